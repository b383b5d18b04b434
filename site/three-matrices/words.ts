import type { Condition, ConditionName } from "attention-kernels";
import { count, percent, short } from "../kit/numbers.js";
import type { Run } from "./runs.js";
import type { KernelName, MatrixName } from "./settings.js";

/** A kernel's name, its weights, and its colour. */
export const kernelWords: Readonly<
  Record<KernelName, { readonly name: string; readonly weight: string; readonly color: string }>
> = {
  softmax: { name: "Softmax", weight: "e^(q·k/√d), divided by the row's sum", color: "var(--series-1)" },
  gaussian: { name: "Gaussian", weight: "e^(-γ/2‖q-k‖²), γ = 1/√d, not divided", color: "var(--series-2)" },
  gaussianNormalized: {
    name: "Gaussian, row-normalised",
    weight: "e^(-γ/2‖q-k‖²), γ = 1/√d, by the row's sum",
    color: "var(--series-3)",
  },
  laplacian: { name: "Laplacian", weight: "e^(-‖q-k‖₁/τ), divided by the row's sum", color: "var(--series-4)" },
  cosine: { name: "Cosine", weight: "e^(cos(q,k)/τ), divided by the row's sum", color: "var(--series-5)" },
  sigmoid: { name: "Sigmoid", weight: "σ(q·k/√d + b), not divided", color: "var(--series-6)" },
  relu: { name: "ReLU", weight: "max(q·k/√d, 0), divided by the number of keys", color: "var(--series-7)" },
  polynomial: { name: "Polynomial", weight: "(q·k/√d + c)^p, divided by the row's sum", color: "var(--series-8)" },
};

export const symbols: Readonly<Record<MatrixName, string>> = { query: "Q", key: "K", value: "V" };

/** Conditions in words; those that are named here are shown. */
export const conditionWords: Readonly<Record<ConditionName, string>> = {
  weightsReachOutput:
    "Attention weights can move the output: the values of a sample differ, or rows need not sum to 1.",
  kernelMatrixRank: "The kernel matrices of all heads and samples, side by side, have full row rank.",
  headsTimesWidth: "Heads × width is at least the number of tokens.",
  embeddingDimension: "The width is at least the number of tokens of a sample.",
  queryRank: "W^Q has full rank in every head.",
  keyRank: "W^K has full rank in every head.",
  valueRank: "W^V has full rank in every head.",
  outputRank: "W^O has full column rank in every head.",
  weightsRepresentable: "Every token keeps an attention weight that float32 can hold.",
  trainableParameters: "At least as many numbers train as there are outputs.",
  jacobianRank: "Every direction of the outputs can be reached: their Jacobian has full row rank.",
  nearlyLinear: "The Jacobian cannot lose its rank on the way to zero loss (h below 1).",
  queryKeyOverValue: "Largest singular value of W^Q, W^K over the smallest of W^V: smaller did better in the study.",
  valueOverQueryKey: "Its reciprocal. The accounts of the paper disagree on which of the two must be small.",
};

/** @param condition one of a report */
export function conditionCell({ name, holds, value, threshold }: Condition): {
  readonly sign: string;
  readonly text: string;
} {
  if (name === "nearlyLinear" && threshold !== null)
    return { sign: holds === true ? "holds" : "fails", text: `h = ${short(threshold / value)}` };
  if (threshold === null) return { sign: "open", text: name === "nearlyLinear" ? "not judged" : short(value) };
  const sign = holds === true ? "holds" : holds === false ? "fails" : "open";
  return { sign, text: sign };
}

/**
 * What became of a run up to a step.
 *
 * @param run the run
 * @param step steps done
 * @param tolerance share of the first loss that counts as zero
 */
export function outcome({ losses, start, failed }: Run, step: number, tolerance = 1e-6): string {
  if (failed !== undefined) return `Failed: ${failed}`;
  if (start === undefined || losses.length === 0) return "Waiting for the first step.";
  const loss = losses[Math.min(step, losses.length - 1)];
  if (!Number.isFinite(loss)) return "Diverged: the step size is too large here.";
  const share = loss / losses[0];
  if (share <= tolerance) return `Converged: a millionth of the first loss after ${count(losses.length - 1)} steps.`;
  if (share > 1.5) return "The loss has grown: the step size is too large here.";
  if (start.lossFloor !== null && start.lossFloor > 0.999999 * start.initialLoss)
    return "Stands still. All of the loss is left.";
  return `${percent(share)} of the first loss is left.`;
}

/** What is proved of a run at a step. @param run the run @param step steps done */
export function verdict(
  { start, end }: Run,
  step: number,
): { readonly state: "proved" | "evidence" | "refused" | "open"; readonly text: string } {
  if (start === undefined) return { state: "open", text: "" };
  const { lossFloor, initialLoss, proof: before } = start;
  const proof = before ?? end?.proof ?? null;
  if (lossFloor !== null) {
    const all = lossFloor > 0.999999 * initialLoss;
    return {
      state: "refused",
      text: all
        ? "Proved to fail (T4): whatever the weights, rows that sum to 1 average equal values to the same output. " +
          `The gradient is exactly zero and the loss stays ${short(lossFloor)}.`
        : `T4: the loss cannot fall below ${short(lossFloor)}.`,
    };
  }
  if (proof !== null && proof.at <= step) {
    const from = proof.at === 0 ? "before the first step" : `from step ${count(proof.at)} on`;
    const rate = `every step removes at least ${percent(proof.rate)} of the loss`;
    return proof.rigorous
      ? { state: "proved", text: `Success is proved ${from} (${proof.theorem}): ${rate}.` }
      : {
          state: "evidence",
          text: `Evidence ${from} (${proof.theorem}), not proof, as a constant was sampled: ${rate}.`,
        };
  }
  if (proof !== null) return { state: "open", text: "Not proved yet at this step." };
  if (end === undefined) return { state: "open", text: "No proof so far." };
  const best = Math.min(...end.checks.map(({ nonlinearity }) => nonlinearity));
  return {
    state: "open",
    text: Number.isFinite(best)
      ? `Not proved. At the best of ${end.checks.length} checks the residual was ${short(best)} times too large for ` +
        "T2. This does not mean that it fails."
      : "Not proved: the Jacobian lacks full row rank. This does not mean that it fails.",
  };
}
