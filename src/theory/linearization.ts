import { Matrix } from "ml-matrix";
import type { TiledKernel } from "../kernels/kernel.js";
import { accumulate, gridOf } from "../numerics/pair-products.js";
import { kernelDerivatives, type KernelDerivatives } from "./kernel-derivatives.js";
import { weightNames, type CheckedProblem, type Head, type WeightName } from "./problem.js";

/** A linear map given by its products. */
export interface Operator {
  readonly rows: number;
  readonly columns: number;
  /** J v */
  readonly apply: (vector: Float64Array) => Float64Array;
  /** Jᵀ u */
  readonly adjoint: (vector: Float64Array) => Float64Array;
}

/** The model at its weights: outputs minus targets, and the Jacobian J of the outputs in the trained weights. */
export interface Linearization {
  /** Ŷ - Y, samples and rows one after the other, [Σ n_i · d_o]. */
  readonly residual: Float64Array;
  /** J [Σ n_i · d_o, P]. */
  readonly jacobian: Operator;
}

/** A matrix, row-major. */
interface Flat {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

const flat = (matrix: Matrix): Flat => ({
  rows: matrix.rows,
  columns: matrix.columns,
  data: Float64Array.from(matrix.to1DArray()),
});

/** A B, or Aᵀ B, added to `into`. */
function multiplyInto(a: Flat, b: Flat, into: Float64Array, transposeA = false): void {
  const left = gridOf(a.data, 0, a.rows, a.columns, transposeA);
  accumulate("product", left, gridOf(b.data, 0, b.rows, b.columns, true), gridOf(into, 0, left.rows, b.columns));
}

function times(a: Flat, b: Flat, transposeA = false): Flat {
  const rows = transposeA ? a.columns : a.rows;
  const data = new Float64Array(rows * b.columns);
  multiplyInto(a, b, data, transposeA);
  return { rows, columns: b.columns, data };
}

/** Intermediate results of one head on one sample. */
interface Block {
  readonly input: Flat;
  /** W^O, and its transpose. */
  readonly output: Flat;
  readonly outputTransposed: Flat;
  /** S X [n, D], and S X W^V [n, d_v]. */
  readonly mixed: Flat;
  readonly mixedValues: Flat;
  /** `u_j`, minus the row's output if the row is normalised, [n, n, d_o]. */
  readonly pulls: Float64Array;
  readonly kernel: KernelDerivatives;
}

function block(kernel: TiledKernel, input: Matrix, head: Head): Block {
  const derivatives = kernelDerivatives(kernel, input.mmul(head.query), input.mmul(head.key));
  const [n, width] = [input.rows, head.output.columns];
  const weights = Matrix.from1DArray(n, n, derivatives.weights);
  const values = input.mmul(head.value).mmul(head.output);
  const outputs = weights.mmul(values);
  const pulls = new Float64Array(n * n * width);
  for (let t = 0; t < n; t++) {
    for (let j = 0; j < n; j++) {
      for (let c = 0; c < width; c++) {
        pulls[(t * n + j) * width + c] = values.get(j, c) - (derivatives.shared ? outputs.get(t, c) : 0);
      }
    }
  }
  const mixed = weights.mmul(input);
  return {
    input: flat(input),
    output: flat(head.output),
    outputTransposed: flat(head.output.transpose()),
    mixed: flat(mixed),
    mixedValues: flat(mixed.mmul(head.value)),
    pulls,
    kernel: derivatives,
  };
}

/** Adds `Σ_j u_tj (g_tj · m)` to row t of `into`; m is row t (query) or row j (key) of the projections' change. */
function push({ pulls, kernel, input }: Block, name: "query" | "key", moved: Flat, into: Float64Array): void {
  const [n, dim] = [input.rows, moved.columns];
  const width = into.length / n;
  const slopes = name === "query" ? kernel.byQuery : kernel.byKey;
  for (let t = 0; t < n; t++) {
    for (let j = 0; j < n; j++) {
      const [pair, row] = [t * n + j, name === "query" ? t : j];
      let change = 0;
      for (let c = 0; c < dim; c++) change += slopes[pair * dim + c] * moved.data[row * dim + c];
      for (let c = 0; c < width; c++) into[t * width + c] += pulls[pair * width + c] * change;
    }
  }
}

/** The adjoint of `push`: maps `residual` [n, d_o] to the gradient of the queries or keys, [n, d_k]. */
function pull({ pulls, kernel, input }: Block, name: "query" | "key", residual: Flat): Flat {
  const [n, width] = [input.rows, residual.columns];
  const slopes = name === "query" ? kernel.byQuery : kernel.byKey;
  const dim = slopes.length / (n * n);
  const data = new Float64Array(n * dim);
  for (let t = 0; t < n; t++) {
    for (let j = 0; j < n; j++) {
      const [pair, row] = [t * n + j, name === "query" ? t : j];
      let asked = 0;
      for (let c = 0; c < width; c++) asked += pulls[pair * width + c] * residual.data[t * width + c];
      for (let c = 0; c < dim; c++) data[row * dim + c] += slopes[pair * dim + c] * asked;
    }
  }
  return { rows: n, columns: dim, data };
}

function forward(block: Block, name: WeightName, change: Flat, into: Float64Array): void {
  // first by W^O, which is narrow
  if (name === "value") multiplyInto(block.mixed, times(change, block.output), into);
  else if (name === "output") multiplyInto(block.mixedValues, change, into);
  else push(block, name, times(block.input, change), into);
}

/** Adds the gradient by a weight to `into`. */
function backward(block: Block, name: WeightName, residual: Flat, into: Float64Array): void {
  if (name === "value") multiplyInto(times(block.mixed, residual, true), block.outputTransposed, into);
  else if (name === "output") multiplyInto(block.mixedValues, residual, into, true);
  else multiplyInto(block.input, pull(block, name, residual), into, true);
}

/** One trained matrix, and the offset of its numbers among all trained numbers. */
interface Slot {
  readonly name: WeightName;
  readonly head: number;
  readonly rows: number;
  readonly columns: number;
  readonly start: number;
}

function slots(heads: readonly Head[], trainable: ReadonlySet<WeightName>): { slots: Slot[]; size: number } {
  let size = 0;
  const list = weightNames
    .filter((name) => trainable.has(name))
    .flatMap((name) =>
      heads.map((weights, head): Slot => {
        const { rows, columns } = weights[name];
        const start = size;
        size += rows * columns;
        return { name, head, rows, columns, start };
      }),
    );
  return { slots: list, size };
}

/** A slot's numbers in a vector of all trained numbers, without a copy. */
const part = (vector: Float64Array, { rows, columns, start }: Slot): Flat => ({
  rows,
  columns,
  data: vector.subarray(start, start + rows * columns),
});

/**
 * The problem with `scale · direction` added to its trained weights. `direction` is in the order of the Jacobian's
 * columns.
 */
export function moveWeights(
  problem: CheckedProblem,
  trainable: ReadonlySet<WeightName>,
  direction: Float64Array,
  scale: number,
): CheckedProblem {
  const { slots: list } = slots(problem.heads, trainable);
  const heads = problem.heads.map((weights, head) => {
    const moved = list.filter((slot) => slot.head === head);
    return {
      ...weights,
      ...Object.fromEntries(
        moved.map((slot) => {
          const change = Matrix.from1DArray(slot.rows, slot.columns, part(direction, slot).data).mul(scale);
          return [slot.name, Matrix.add(weights[slot.name], change)];
        }),
      ),
    };
  });
  return { ...problem, heads };
}

/** Outputs minus targets, and the Jacobian of the outputs in the trained weights as a linear operator, in float64. */
export function linearize(
  { inputs, targets, heads }: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
): Linearization {
  const width = targets[0].columns;
  const blocks = inputs.map((input) => heads.map((head) => block(kernel, input, head)));
  const { slots: list, size } = slots(heads, trainable);
  const rows = inputs.reduce((sum, input) => sum + input.rows * width, 0);
  const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, input) => sum + input.rows * width, 0));
  const residual = new Float64Array(rows);
  blocks.forEach((sample, i) => {
    const own = residual.subarray(starts[i], starts[i] + inputs[i].rows * width);
    own.set(targets[i].clone().neg().to1DArray());
    for (const { mixedValues, output } of sample) multiplyInto(mixedValues, output, own);
  });
  return {
    residual,
    jacobian: {
      rows,
      columns: size,
      apply(vector) {
        const result = new Float64Array(rows);
        blocks.forEach((sample, i) => {
          const into = result.subarray(starts[i], starts[i] + inputs[i].rows * width);
          for (const slot of list) forward(sample[slot.head], slot.name, part(vector, slot), into);
        });
        return result;
      },
      adjoint(vector) {
        const result = new Float64Array(size);
        blocks.forEach((sample, i) => {
          const data = vector.subarray(starts[i], starts[i] + inputs[i].rows * width);
          const own = { rows: inputs[i].rows, columns: width, data };
          for (const slot of list) backward(sample[slot.head], slot.name, own, part(result, slot).data);
        });
        return result;
      },
    },
  };
}
