import { Matrix } from "ml-matrix";
import { NonFiniteError } from "../core/errors.js";
import { kernelMatrix } from "../cpu/weights.js";
import type { TiledKernel } from "../kernels/kernel.js";
import type { CheckedProblem } from "./problem.js";

/** The model at its initial weights. */
export interface Evaluation {
  /** `B = [S_ih X_i]` [Σ n_i, H·D], with a block of rows per sample and a block of columns per head. */
  readonly stacked: Matrix;
  /** `X_i W^V_h W^O_h` as values[sample][head], [n_i, d_o]. */
  readonly values: readonly (readonly Matrix[])[];
  /** S_ih as similarities[sample][head], [n_i, n_i]. */
  readonly similarities: readonly (readonly Matrix[])[];
  /** `½‖Ŷ_i - Y_i‖²` of every sample. */
  readonly losses: readonly number[];
}

function checkFinite(matrix: Matrix, sample: number, head: number): Matrix {
  if (matrix.to1DArray().every(Number.isFinite)) return matrix;
  throw new NonFiniteError({
    where: "checkConvergence",
    argument: `sample ${sample}, head ${head}`,
    wanted: "a finite kernel matrix and finite outputs",
    got: "an overflow in float64",
    fix: "Scale the inputs or the weights down.",
  });
}

/** Evaluates `Ŷ_i = Σ_h S_ih X_i W^V_h W^O_h` once and keeps the intermediate results that the conditions need. */
export function evaluate({ inputs, targets, heads }: CheckedProblem, kernel: TiledKernel): Evaluation {
  const tokens = inputs.reduce((sum, input) => sum + input.rows, 0);
  const width = inputs[0].columns;
  const stacked = Matrix.zeros(tokens, heads.length * width);
  let row = 0;
  const samples = inputs.map((input, i) => {
    const residual = targets[i].clone().neg();
    const perHead = heads.map(({ query, key, value, output }, h) => {
      const similarity = kernelMatrix(kernel, input.mmul(query), input.mmul(key));
      const mixed = checkFinite(similarity.mmul(input), i, h);
      stacked.setSubMatrix(mixed, row, h * width);
      residual.add(checkFinite(mixed.mmul(value).mmul(output), i, h));
      return { similarity, values: input.mmul(value).mmul(output) };
    });
    row += input.rows;
    return { perHead, loss: residual.norm("frobenius") ** 2 / 2 };
  });
  return {
    stacked,
    values: samples.map(({ perHead }) => perHead.map(({ values }) => values)),
    similarities: samples.map(({ perHead }) => perHead.map(({ similarity }) => similarity)),
    losses: samples.map(({ loss }) => loss),
  };
}
