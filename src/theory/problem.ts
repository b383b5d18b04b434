import type { Matrix } from "ml-matrix";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { record } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { toMatrix, type Rows } from "../numerics/rows.js";

/** The weights of the single-layer model, one matrix per head. */
export interface HeadWeights {
  /** W^Q_h, H matrices [D, d_k]. */
  readonly query: ArrayLike<Rows>;
  /** W^K_h, H matrices [D, d_k]. */
  readonly key: ArrayLike<Rows>;
  /** W^V_h, H matrices [D, d_v]. */
  readonly value: ArrayLike<Rows>;
  /** W^O_h, H matrices [d_v, d_o]. */
  readonly output: ArrayLike<Rows>;
}

/**
 * Data and initial weights of the model `Ŷ_i = Σ_h S_ih X_i W^V_h W^O_h` with loss `f = ½ Σ_i ‖Ŷ_i - Y_i‖²`.
 */
export interface ConvergenceProblem {
  /** X_i, N samples [n_i, D]; n_i may differ from sample to sample. */
  readonly inputs: ArrayLike<Rows>;
  /** Y_i, N samples [n_i, d_o]. */
  readonly targets: ArrayLike<Rows>;
  readonly weights: HeadWeights;
}

/** A weight matrix that gradient descent may train. */
export type WeightName = keyof HeadWeights;

/** One head's weights as matrices. */
export type Head = Readonly<Record<WeightName, Matrix>>;

/** A problem with consistent shapes and finite numbers. */
export interface CheckedProblem {
  readonly inputs: readonly Matrix[];
  readonly targets: readonly Matrix[];
  readonly heads: readonly Head[];
}

const where = "checkConvergence";
export const weightNames: readonly WeightName[] = ["query", "key", "value", "output"];

function toMatrices(argument: string, list: ArrayLike<Rows>): Matrix[] {
  if (list === null || typeof list !== "object" || !(list.length >= 1)) {
    throw new ShapeError({
      where,
      argument,
      wanted: "an array of at least one matrix",
      got: typeof list === "object" ? "none" : typeof list,
      fix: "Read tensors by readProblem of attention-kernels/theory.",
    });
  }
  return Array.from(list, (rows, index) => toMatrix(where, `${argument}[${index}]`, rows));
}

function wantEqual(argument: string, quantity: string, wanted: number, got: number): void {
  if (got !== wanted) {
    throw new ShapeError({ where, argument, wanted: `${wanted} ${quantity}`, got: `${got}` });
  }
}

/** Copies a problem into matrices. Throws `ShapeError` or `NonFiniteError` if it is malformed. */
export function checkProblem(problem: ConvergenceProblem): CheckedProblem {
  checkArguments(where, { problem }, { problem: record });
  const { inputs, targets, weights } = problem;
  checkArguments(where, { weights }, { weights: record });
  const samples = toMatrices("inputs", inputs);
  const wanted = toMatrices("targets", targets);
  const [query, key, value, output] = weightNames.map((name) => toMatrices(`weights.${name}`, weights[name]));

  const width = samples[0].columns;
  const outputWidth = output[0].columns;
  wantEqual("targets", "samples, as many as inputs", samples.length, wanted.length);
  samples.forEach((sample, i) => {
    wantEqual(`inputs[${i}]`, "columns (the width D of inputs[0])", width, sample.columns);
    wantEqual(`targets[${i}]`, `rows (the tokens of inputs[${i}])`, sample.rows, wanted[i].rows);
    wantEqual(`targets[${i}]`, "columns (those of weights.output)", outputWidth, wanted[i].columns);
  });

  wantEqual("weights.key", "heads, as many as weights.query", query.length, key.length);
  wantEqual("weights.value", "heads, as many as weights.query", query.length, value.length);
  wantEqual("weights.output", "heads, as many as weights.query", query.length, output.length);
  const heads = query.map((_, h) => ({ query: query[h], key: key[h], value: value[h], output: output[h] }));
  heads.forEach((head, h) => {
    for (const name of ["query", "key", "value"] as const) {
      wantEqual(`weights.${name}[${h}]`, "rows (the width D of the inputs)", width, head[name].rows);
    }
    wantEqual(`weights.key[${h}]`, `columns (those of weights.query[${h}])`, head.query.columns, head.key.columns);
    wantEqual(
      `weights.output[${h}]`,
      `rows (the columns of weights.value[${h}])`,
      head.value.columns,
      head.output.rows,
    );
    wantEqual(`weights.output[${h}]`, "columns (those of weights.output[0])", outputWidth, head.output.columns);
  });
  return { inputs: samples, targets: wanted, heads };
}

/** The trained weights without repetition. Throws `ArgumentError` for an empty list or an unknown name. */
export function checkTrainable(trainable: readonly WeightName[]): ReadonlySet<WeightName> {
  const names = new Set(trainable);
  const stranger = [...names].find((name) => !weightNames.includes(name));
  if (names.size === 0 || stranger !== undefined) {
    throw new ArgumentError({
      where,
      argument: "trainable",
      wanted: `at least one of ${weightNames.join(", ")}`,
      got: stranger === undefined ? "none" : String(stranger),
    });
  }
  return names;
}
