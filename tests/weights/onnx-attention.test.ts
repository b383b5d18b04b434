import { describe, expect, it } from "vitest";
import { countHeads, findAttention, openOnnx, readProjection } from "../../src/weights/index.js";
import { floatTensor, onnx, type NodeFields, type TensorFields } from "../support/onnx-files.js";

const [WIDTH, HEADS] = [6, 2];

const node = (opType: string, input: readonly string[], output: string, attribute: NodeFields["attribute"] = []) => ({
  ...{ opType, input, output: output.split(" "), attribute },
});
const whole = (name: string, i: number) => ({ name, i, type: 2 });
const wholes = (name: string, ints: readonly number[]) => ({ name, ints, type: 7 });
const shape = (name: string, values: readonly number[]): TensorFields => ({
  ...{ name, dims: [values.length], dataType: 7, int64Data: values },
});
/** A matrix whose number in row i and column j is first + 100 i + j. */
const matrix = (name: string, rows: number, columns: number, first: number): TensorFields =>
  floatTensor(
    name,
    [rows, columns],
    Array.from({ length: rows * columns }, (_, at) => first + 100 * Math.floor(at / columns) + (at % columns)),
  );
/** Row i, column j of W [out, in] where x W' with W' [in, out] is computed. */
const flipped = (first: number) => (i: number, j: number) => first + 100 * j + i;
const plain = (first: number) => (i: number, j: number) => first + 100 * i + j;

/** From projections q, k and v to scores, their softmax and the sums, as PyTorch exports them. */
const attend = (q: string, k: string, v: string): NodeFields[] => [
  node("Reshape", [q, "split"], "q4"),
  node("Transpose", ["q4"], "qh", [wholes("perm", [0, 2, 1, 3])]),
  node("Reshape", [k, "split"], "k4"),
  node("Transpose", ["k4"], "kh", [wholes("perm", [0, 2, 3, 1])]),
  node("Reshape", [v, "split"], "v4"),
  node("Transpose", ["v4"], "vh", [wholes("perm", [0, 2, 1, 3])]),
  node("Mul", ["qh", "scale"], "qs"),
  node("MatMul", ["qs", "kh"], "products"),
  node("Add", ["products", "mask"], "scores"),
  node("Softmax", ["scores"], "weights"),
  node("MatMul", ["weights", "vh"], "sums"),
];
const common = [shape("split", [0, -1, HEADS, WIDTH / HEADS]), floatTensor("scale", [1], [0.5])];
const anonymous = ["q", "k", "v"].map((_, at) => matrix(`onnx::MatMul_${at}`, WIDTH, WIDTH, 1000 * at));
const product = (matrixName: string, to: string): NodeFields[] => [
  node("MatMul", ["x", matrixName], `${to}0`),
  node("Add", [`bias_${to}`, `${to}0`], to),
];
const separate = ["q", "k", "v"].flatMap((name, at) => product(`onnx::MatMul_${at}`, name));

async function expectProjections(
  file: Uint8Array,
  wanted: Readonly<Partial<Record<"query" | "key" | "value", (row: number, column: number) => number>>>,
): Promise<void> {
  const weights = await openOnnx(file);
  const attention = findAttention(weights);
  expect(attention.layers.map(({ label }) => label)).toEqual(["0"]);
  expect(countHeads(attention)).toEqual({ source: "file", layers: [{ heads: HEADS, keyHeads: HEADS }] });
  for (const [projection, at] of Object.entries(wanted)) {
    const rows = await readProjection(weights, attention, 0, projection as keyof typeof wanted);
    expect([rows.length, rows[0].length]).toEqual([WIDTH, WIDTH]);
    rows.forEach((row, i) => row.forEach((value, j) => expect(value).toBe(at(i, j))));
  }
}

describe("attention in a graph", () => {
  it("is found where matrices have no names, and heads by the shape that splits them", () =>
    expectProjections(onnx([...common, ...anonymous], [...separate, ...attend("q", "k", "v")]), {
      query: flipped(0),
      key: flipped(1000),
      value: flipped(2000),
    }));

  it("is found through Gemm, a transposition, a cast, and rotary positions", () =>
    expectProjections(
      onnx(
        [...common, ...anonymous],
        [
          node("Gemm", ["x", "onnx::MatMul_0", "b"], "q0", [whole("transB", 1)]),
          node("Mul", ["q0", "cos"], "q1"),
          node("Neg", ["q0"], "q2"),
          node("Mul", ["q2", "sin"], "q3"),
          node("Add", ["q1", "q3"], "q"),
          node("Transpose", ["onnx::MatMul_1"], "k0", [wholes("perm", [1, 0])]),
          node("Cast", ["k0"], "k1", [whole("to", 1)]),
          node("MatMul", ["x", "k1"], "k"),
          node("Gemm", ["x", "onnx::MatMul_2"], "v"),
          ...attend("q", "k", "v"),
        ],
      ),
      { query: plain(0), key: plain(1000), value: flipped(2000) },
    ));

  const fused = matrix("qkv", WIDTH, 3 * WIDTH, 0);
  const part = (at: number) => (i: number, j: number) => flipped(0)(at * WIDTH + i, j);
  it("is found in one matrix, whose parts a Split tells apart in any order", () =>
    expectProjections(
      onnx(
        [...common, fused],
        [node("MatMul", ["x", "qkv"], "all"), node("Split", ["all"], "v k q"), ...attend("q", "k", "v")],
      ),
      { query: part(2), key: part(1), value: part(0) },
    ));

  it("is found in one matrix cut by slices, with a shape of pieces, as Paddle exports it", () => {
    const cut = (at: number, to: string): NodeFields[] => [
      node("Slice", ["moved"], `${to}5`, [wholes("axes", [0]), wholes("starts", [at]), wholes("ends", [at + 1])]),
      node("Squeeze", [`${to}5`], to),
    ];
    const pieces = [shape("zero", [0]), shape("three", [3]), shape("heads", [HEADS]), shape("dim", [WIDTH / HEADS])];
    return expectProjections(
      onnx(
        [...common.slice(1), fused, ...pieces],
        [
          node("MatMul", ["x", "qkv"], "all"),
          node("Shape", ["x"], "extents"),
          node("Cast", ["heads"], "heads2", [whole("to", 7)]),
          node("Concat", ["zero", "extents", "three", "heads2", "dim"], "shape", [whole("axis", 0)]),
          node("Reshape", ["all", "shape"], "five"),
          node("Transpose", ["five"], "moved", [wholes("perm", [2, 0, 3, 1, 4])]),
          ...[...cut(0, "q"), ...cut(1, "k"), ...cut(2, "v")],
          node("Transpose", ["k"], "kt", [wholes("perm", [0, 1, 3, 2])]),
          node("Mul", ["q", "scale"], "qs"),
          node("MatMul", ["qs", "kt"], "scores"),
          node("Softmax", ["scores"], "weights"),
          node("MatMul", ["weights", "v"], "sums"),
        ],
      ),
      { query: part(0), key: part(1), value: part(2) },
    );
  });

  const dim = WIDTH / HEADS;
  /** Rows of a matrix in which every head has its queries, keys and values side by side. */
  const byHead =
    (at: number, of = 3) =>
    (i: number, j: number) =>
      flipped(0)((Math.floor(i / dim) * of + at) * dim + (i % dim), j);
  it.each([
    ["GPT-NeoX", [0, -1, HEADS, 3 * dim], 3],
    ["BLOOM", [0, -1, HEADS, 3, dim], 3],
  ])("is found in one matrix whose parts alternate by head, as in %s", (_, extents, axis) =>
    expectProjections(
      onnx(
        [...common, fused, shape("by head", extents)],
        [
          node("MatMul", ["x", "qkv"], "all"),
          node("Reshape", ["all", "by head"], "split4"),
          node("Split", ["split4"], "q k v", [whole("axis", axis)]),
          ...attend("q", "k", "v"),
        ],
      ),
      { query: byHead(0), key: byHead(1), value: byHead(2) },
    ),
  );

  const heads = whole("num_heads", HEADS);
  const three = { query: flipped(0), key: flipped(1000), value: flipped(2000) };
  const thirds = { query: part(0), key: part(1), value: part(2) };
  const pair = matrix("kv", WIDTH, 2 * WIDTH, 0);
  it.each([
    ["MultiHeadAttention", anonymous, separate, node("MultiHeadAttention", ["q", "k", "v"], "y", [heads]), three],
    [
      "ONNX's Attention",
      anonymous,
      separate,
      node("Attention", ["q", "k", "v"], "y", [whole("q_num_heads", 2)]),
      three,
    ],
    ["onnxruntime's Attention", [fused], [], node("Attention", ["x", "qkv", "b"], "y", [heads]), thirds],
    [
      "MultiHeadAttention on one matrix",
      [fused],
      [node("MatMul", ["x", "qkv"], "all"), node("Reshape", ["all", "split"], "all5")],
      node("MultiHeadAttention", ["all5"], "y", [heads]),
      { query: byHead(0), key: byHead(1), value: byHead(2) },
    ],
    [
      "MultiHeadAttention on a matrix of keys and values",
      [...anonymous, pair],
      [...separate, node("MatMul", ["x", "kv"], "kv0")],
      node("MultiHeadAttention", ["q", "kv0"], "y", [heads]),
      { query: flipped(0), key: byHead(0, 2), value: byHead(1, 2) },
    ],
    [
      "GroupQueryAttention on one matrix",
      [fused],
      [node("MatMul", ["x", "qkv"], "all")],
      node("GroupQueryAttention", ["all", "", ""], "y", [heads, whole("kv_num_heads", HEADS)]),
      thirds,
    ],
  ] as const)("is found by the operator %s", (_, tensors, nodes, operator, wanted) =>
    expectProjections(onnx([...common, ...tensors], [...nodes, operator]), wanted),
  );

  it("is found by Gather from one matrix", () => {
    const indices = [0, 1, 2].map((at) => ({ ...shape(`i${at}`, [at]), dims: [] }));
    const cuts = ["q", "k", "v"].map((to, at) => node("Gather", ["all", `i${at}`], to, [whole("axis", 0)]));
    return expectProjections(
      onnx([...common, fused, ...indices], [node("MatMul", ["x", "qkv"], "all"), ...cuts, ...attend("q", "k", "v")]),
      { query: part(0), key: part(1), value: part(2) },
    );
  });
});

describe("no attention", () => {
  const without = async (file: Uint8Array): Promise<void> => {
    const weights = await openOnnx(file);
    expect(weights.attention).toBeUndefined();
    expect(() => findAttention(weights)).toThrow(/wanted attention layers named as in/);
  };

  it("is a softmax over the outputs of a classifier", () =>
    without(onnx(anonymous, [...product("onnx::MatMul_0", "y"), node("Softmax", ["y"], "p")])));

  it("is a softmax over products of values that no matrix projects", () =>
    without(onnx([...common, ...anonymous], attend("a", "b", "c"))));

  it("is found where one matrix has parts that cannot be told apart", () =>
    without(
      onnx(
        [...common, matrix("qkv", WIDTH, 3 * WIDTH, 0)],
        [node("MatMul", ["x", "qkv"], "all"), ...attend("all", "all", "all")],
      ),
    ));

  it("is found where one operator of several has matrices that are not stored", () =>
    without(
      onnx(
        [...common, ...anonymous],
        [
          ...separate,
          node("MultiHeadAttention", ["q", "k", "v"], "y", [whole("num_heads", HEADS)]),
          node("MultiHeadAttention", ["a", "b", "c"], "z", [whole("num_heads", HEADS)]),
        ],
      ),
    ));

  it("is found in graphs that lead back to themselves", () =>
    without(
      onnx(
        [...common, ...anonymous],
        [
          node("Add", ["a", "b"], "b"),
          node("Cast", ["c"], "c"),
          node("MatMul", ["b", "c"], "s"),
          node("Concat", ["shape", "shape"], "shape"),
          node("Reshape", ["s", "shape"], "r"),
          node("Softmax", ["r"], "p"),
          node("Identity", ["p"], "p"),
          node("Softmax", [], "n"),
        ],
      ),
    ));
});
