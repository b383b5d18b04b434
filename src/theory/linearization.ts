import { Matrix } from "ml-matrix";
import type { TiledKernel } from "../kernels/kernel.js";
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

/** Intermediate results of one head on one sample. */
interface Block {
  readonly input: Matrix;
  readonly head: Head;
  /** S X [n, D] */
  readonly mixed: Matrix;
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
  return { input, head, mixed: weights.mmul(input), pulls, kernel: derivatives };
}

/** Adds `Σ_j u_tj (g_tj · m)` to row t of `into`; m is row t (query) or row j (key) of the projections' change. */
function push({ pulls, kernel, input }: Block, name: "query" | "key", moved: Matrix, into: Matrix): void {
  const [n, width, dim] = [input.rows, into.columns, moved.columns];
  const slopes = name === "query" ? kernel.byQuery : kernel.byKey;
  for (let t = 0; t < n; t++) {
    for (let j = 0; j < n; j++) {
      let change = 0;
      for (let c = 0; c < dim; c++) change += slopes[(t * n + j) * dim + c] * moved.get(name === "query" ? t : j, c);
      for (let c = 0; c < width; c++) into.set(t, c, into.get(t, c) + pulls[(t * n + j) * width + c] * change);
    }
  }
}

/** The adjoint of `push`: maps `residual` [n, d_o] to the gradient of the queries or keys, [n, d_k]. */
function pull({ pulls, kernel, input }: Block, name: "query" | "key", residual: Matrix, dim: number): Matrix {
  const [n, width] = [input.rows, residual.columns];
  const slopes = name === "query" ? kernel.byQuery : kernel.byKey;
  const into = Matrix.zeros(n, dim);
  for (let t = 0; t < n; t++) {
    for (let j = 0; j < n; j++) {
      let asked = 0;
      for (let c = 0; c < width; c++) asked += pulls[(t * n + j) * width + c] * residual.get(t, c);
      const row = name === "query" ? t : j;
      for (let c = 0; c < dim; c++) into.set(row, c, into.get(row, c) + slopes[(t * n + j) * dim + c] * asked);
    }
  }
  return into;
}

function forward(block: Block, name: WeightName, change: Matrix, into: Matrix): void {
  const { input, head, mixed } = block;
  if (name === "value") into.add(mixed.mmul(change).mmul(head.output));
  else if (name === "output") into.add(mixed.mmul(head.value).mmul(change));
  else push(block, name, input.mmul(change), into);
}

function backward(block: Block, name: WeightName, residual: Matrix): Matrix {
  const { input, head, mixed } = block;
  if (name === "value") return mixed.transpose().mmul(residual).mmul(head.output.transpose());
  if (name === "output") return mixed.mmul(head.value).transpose().mmul(residual);
  return input.transpose().mmul(pull(block, name, residual, head.query.columns));
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

const part = (vector: Float64Array, { rows, columns, start }: Slot): Matrix =>
  Matrix.from1DArray(rows, columns, vector.subarray(start, start + rows * columns));

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
        moved.map((slot) => [slot.name, Matrix.add(weights[slot.name], part(direction, slot).mul(scale))]),
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
    const output = targets[i].clone().neg();
    for (const { mixed, head } of sample) output.add(mixed.mmul(head.value).mmul(head.output));
    residual.set(output.to1DArray(), starts[i]);
  });
  return {
    residual,
    jacobian: {
      rows,
      columns: size,
      apply(vector) {
        const result = new Float64Array(rows);
        blocks.forEach((sample, i) => {
          const into = Matrix.zeros(inputs[i].rows, width);
          for (const slot of list) forward(sample[slot.head], slot.name, part(vector, slot), into);
          result.set(into.to1DArray(), starts[i]);
        });
        return result;
      },
      adjoint(vector) {
        const result = new Float64Array(size);
        for (const slot of list) {
          const sum = Matrix.zeros(slot.rows, slot.columns);
          blocks.forEach((sample, i) => {
            const own = Matrix.from1DArray(
              inputs[i].rows,
              width,
              vector.subarray(starts[i], starts[i] + inputs[i].rows * width),
            );
            sum.add(backward(sample[slot.head], slot.name, own));
          });
          result.set(sum.to1DArray(), slot.start);
        }
        return result;
      },
    },
  };
}
