import { affine, affineOfHeads, affineToHeads } from "../../src/autograd/matmul.js";
import { roundToHalf } from "../../src/core/half.js";
import { indices, ops, random, type Backend, type Tensor } from "../../src/index.js";

/** An operation with test inputs. */
export interface Case {
  readonly name: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Whether the inputs are at least 0.5; default N(0, 1). */
  readonly positive?: boolean;
  /** Whether all numbers are representable in float16. */
  readonly half?: boolean;
  readonly run: (inputs: Readonly<Record<string, Tensor>>) => Tensor;
}

const x = { x: [3, 5] };
const unary = (name: string, run: (x: Tensor) => Tensor, positive = false): Case => ({
  name,
  shapes: x,
  positive,
  run: (inputs) => run(inputs["x"]),
});
const binary = (
  name: string,
  a: readonly number[],
  b: readonly number[],
  run: (a: Tensor, b: Tensor) => Tensor,
  positive = false,
): Case => ({
  name,
  shapes: { a, b },
  positive,
  run: (inputs) => run(inputs["a"], inputs["b"]),
});

const affineCase = (
  name: string,
  x: readonly number[],
  weight: readonly number[],
  run: (x: Tensor, weight: Tensor, bias: Tensor) => Tensor,
  bias = weight.slice(1),
): Case => ({
  name,
  shapes: { x, weight, bias },
  run: ({ x, weight, bias }) => run(x, weight, bias),
});
const toHeads =
  (heads: number, dim: number) =>
  (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
    affineToHeads(x, weight, bias, [heads, dim]);

/** Every differentiable operation but attention, over shapes that meet its special paths. */
export const cases: readonly Case[] = [
  unary("exp", ops.exp),
  unary("log", ops.log, true),
  unary("sqrt", ops.sqrt, true),
  unary("abs", ops.abs),
  unary("square", ops.square),
  unary("tanh", ops.tanh),
  unary("sigmoid", ops.sigmoid),
  unary("relu", ops.relu),
  unary("gelu", ops.gelu),
  unary("elu + 1", ops.eluPlusOne),
  unary("sin", (v) => ops.sin(ops.multiply(v, 5))),
  unary("cos", (v) => ops.cos(ops.multiply(v, 5))),
  binary("atan2", [3, 5], [1, 5], ops.atan2),
  unary("power 3", (v) => ops.power(v, 3)),
  unary("power -1.5", (v) => ops.power(v, -1.5), true),
  unary("add a number", (v) => ops.add(v, 2.5)),
  unary("subtract a number", (v) => ops.subtract(v, 2.5)),
  unary("multiply by a number", (v) => ops.multiply(v, -0.7)),
  unary("divide by a number", (v) => ops.divide(v, 3)),
  binary("add", [3, 5], [3, 5], ops.add),
  binary("add a row", [2, 3, 5], [5], ops.add),
  binary("subtract a column", [3, 5], [3, 1], ops.subtract),
  binary("multiply, both broadcast", [4, 1, 3], [2, 1], ops.multiply),
  binary("divide", [3, 5], [1, 5], ops.divide, true),
  binary("add a row of whole vec4s", [2, 3, 8], [8], ops.add),
  binary("multiply by a column, four at a time", [3, 8], [3, 1], ops.multiply),
  binary("multiply a column by a row, four at a time", [3, 1], [8], ops.multiply),
  binary("add scaled", [3, 5], [5], (a, b) => ops.addScaled(a, b, -0.3)),
  unary("expand", (v) => ops.expand(ops.reshape(v, [3, 1, 5]), [2, 3, 4, 5])),
  unary("reshape", (v) => ops.reshape(v, [5, -1])),
  { name: "permute", shapes: { x: [2, 3, 4, 5] }, run: ({ x }) => ops.permute(x, [2, 0, 3, 1]) },
  { name: "permute, four at a time", shapes: { x: [2, 3, 4, 8] }, run: ({ x }) => ops.permute(x, [0, 2, 1, 3]) },
  { name: "permute of the last axis", shapes: { x: [4, 8] }, run: ({ x }) => ops.permute(x, [1, 0]) },
  { name: "slice", shapes: { x: [3, 5, 4] }, run: ({ x }) => ops.slice(x, 1, 2, 2) },
  { name: "slice of the last axis, to its end", shapes: { x: [3, 5] }, run: ({ x }) => ops.slice(x, -1, 1, 4) },
  {
    name: "concat",
    shapes: { a: [2, 3, 4], b: [2, 1, 4], c: [2, 2, 4] },
    run: ({ a, b, c }) => ops.concat([a, b, c], 1),
  },
  unary("sum of all", (v) => ops.sum(v)),
  { name: "sum over the first and last axis", shapes: { x: [40, 3, 70] }, run: ({ x }) => ops.sum(x, [0, -1]) },
  {
    name: "sum over the middle axis, kept",
    shapes: { x: [3, 41, 5] },
    run: ({ x }) => ops.sum(x, 1, { keepAxes: true }),
  },
  unary("mean", (v) => ops.mean(v, 0)),
  { name: "max", shapes: { x: [4, 37] }, run: ({ x }) => ops.max(x, -1) },
  { name: "softmax", shapes: { x: [7, 33] }, run: ({ x }) => ops.softmax(x) },
  {
    name: "layer norm",
    shapes: { x: [6, 17], scale: [17], shift: [17] },
    run: ({ x, scale, shift }) => ops.layerNorm(x, { scale: scale, shift: shift }),
  },
  binary("layer norm of whole vec4s over many rows", [3, 23, 8], [8], (a, scale) => ops.layerNorm(a, { scale })),
  binary("layer norm, shift alone", [5, 6], [6], (a, shift) => ops.layerNorm(a, { shift })),
  binary("layer norm with a scale for every row", [5, 6], [5, 1], (a, scale) => ops.layerNorm(a, { scale })),
  unary("layer norm alone", (v) => ops.layerNorm(v)),
  binary("matmul", [5, 7], [7, 3], ops.matmul),
  binary("matmul around a block", [33, 17], [17, 65], ops.matmul),
  binary("matmul, first transposed", [7, 5], [7, 3], (a, b) => ops.matmul(a, b, { transposeA: true })),
  binary("matmul, second transposed", [5, 7], [3, 7], (a, b) => ops.matmul(a, b, { transposeB: true })),
  binary("matmul, both transposed", [7, 5], [3, 7], (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true })),
  binary("matmul of whole vec4s around a block", [17, 12], [12, 36], ops.matmul),
  binary("matmul of whole vec4s, first transposed", [12, 20], [12, 8], (a, b) =>
    ops.matmul(a, b, { transposeA: true }),
  ),
  binary("matmul of whole vec4s, second transposed", [9, 12], [36, 12], (a, b) =>
    ops.matmul(a, b, { transposeB: true }),
  ),
  binary("matmul of whole vec4s, both transposed", [8, 20], [12, 8], (a, b) =>
    ops.matmul(a, b, { transposeA: true, transposeB: true }),
  ),
  binary("matmul of whole vec4s, batches broadcast", [2, 1, 4, 8], [3, 8, 4], ops.matmul),
  binary("matmul, batch times matrix", [2, 3, 4, 6], [6, 5], ops.matmul),
  binary("matmul, batches broadcast", [2, 1, 4, 6], [3, 6, 5], ops.matmul),
  binary("matmul, batch times batch", [2, 3, 4, 6], [2, 3, 6, 5], ops.matmul),
  affineCase("x W + b", [5, 7], [7, 3], affine),
  affineCase("x W + b of whole vec4s around a block", [3, 17, 12], [12, 36], affine),
  affineCase("x W + b with one number for all columns", [5, 7], [7, 3], affine, [1]),
  affineCase("x W + b to heads", [2, 5, 7], [7, 6], toHeads(2, 3)),
  affineCase("x W + b to heads of whole vec4s", [3, 16, 12], [12, 24], toHeads(3, 8)),
  affineCase("x W + b to heads of whole vec4s, odd tokens", [3, 7, 12], [12, 16], toHeads(2, 8)),
  affineCase("x W + b of heads", [2, 3, 5, 2], [6, 7], affineOfHeads),
  affineCase("x W + b of heads of whole vec4s", [3, 2, 16, 12], [24, 36], affineOfHeads),
  affineCase("x W + b of heads of whole vec4s, odd tokens", [3, 4, 7, 4], [16, 12], affineOfHeads),
  {
    name: "embedding",
    shapes: { table: [6, 5] },
    run: ({ table }) => ops.embedding(table, indices([0, 5, 2, 2, 0, 2], [2, 3])),
  },
  {
    name: "cross entropy",
    shapes: { logits: [5, 4] },
    run: ({ logits }) => ops.crossEntropy(logits, indices([0, 3, 1, 1, 2])),
  },
  { name: "dropout", shapes: { x: [7, 33] }, run: ({ x }) => ops.dropout(x, { rate: 0.3, seed: 4_000_000_000 }) },
  binary("mean squared error", [3, 5], [3, 5], ops.meanSquaredError),
];

/** The inputs of a case: the same numbers, representable in float32 (or float16), for every backend. */
export function inputsOf(
  { shapes, positive, half }: Pick<Case, "shapes" | "positive" | "half">,
  seed = 7,
): Record<string, Float32Array> {
  const generator = random(seed);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const data = Float32Array.from(generator.normals(shape.reduce((a, b) => a * b, 1)));
      const placed = positive ? data.map((value) => Math.abs(value) + 0.5) : data;
      return [name, half ? placed.map(roundToHalf) : placed];
    }),
  );
}

export function upload(
  backend: Backend,
  data: Readonly<Record<string, ArrayLike<number>>>,
  shapes: Case["shapes"],
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, backend.tensor(data[name], shape)]));
}
