import type { Matrix } from "ml-matrix";
import { kernelMatrix, initialParameters } from "../cpu/weights.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { differenceRows } from "./difference-rows.js";
import { OVERFLOWS } from "./gram.js";
import { largestForm, spectralNorm, type Lipschitz } from "./lipschitz.js";
import type { CheckedProblem, Head, WeightName } from "./problem.js";
import type { Reach, Row } from "./row-form.js";
import { scoreRows } from "./score-rows.js";

type Bound = (radius: number) => Lipschitz;

function headBound(rows: readonly Row[], { value, output }: Head, trainable: ReadonlySet<WeightName>) {
  const [ownValue, ownOutput] = [spectralNorm(value), spectralNorm(output)];
  return (radius: number): number => {
    const [byValue, byOutput] = (["value", "output"] as const).map((name) => (trainable.has(name) ? radius : 0));
    const reach: Reach = {
      radius,
      drift: byValue * ownOutput + ownValue * byOutput + byValue * byOutput,
      valueNorm: ownValue + byValue,
      outputNorm: ownOutput + byOutput,
    };
    return Math.hypot(
      ...rows.map((row) => {
        const { p, v, o, m } = row(reach);
        if (![p, v, o, m].every((number) => number < OVERFLOWS)) return Infinity;
        const both = trainable.has("value") && trainable.has("output");
        return largestForm(p, trainable.has("value") ? v : 0, trainable.has("output") ? o : 0, both ? m : 0);
      }),
    );
  };
}

/**
 * A proved Lipschitz constant of the Jacobian on the ball of a given radius around the weights, or null if none is
 * known. It uses the data and the weights at the centre, and never falls as the radius grows.
 *
 * `stackedNorm` is σ_max(B). Statement and proof: docs/certificates.md, T3 on a ball.
 */
export function ballLipschitz(
  { inputs, heads }: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  stackedNorm: number,
): Bound | null {
  const proved = (value: number, note: string): Lipschitz => ({ value, rigorous: true, note });
  if (!trainable.has("query") && !trainable.has("key")) {
    return trainable.size === 1
      ? () => proved(0, "the outputs are linear in the trained weights")
      : () => proved(stackedNorm, "σ_max(B), the outputs being bilinear in W^V and W^O");
  }
  const rowsOf = (head: Head, input: Matrix): Row[] | null => {
    const bounds = kernel.derivativeBounds?.(initialParameters(kernel, input.rows, input.rows, head.query.columns));
    if (bounds === undefined) return null;
    if (bounds.of === "difference") return differenceRows(input, head, trainable, bounds);
    if (bounds.keys === undefined) return null;
    const weights = kernelMatrix(kernel, input.mmul(head.query), input.mmul(head.key));
    return scoreRows(input, head, trainable, { slope: bounds.slope, keys: bounds.keys, weights });
  };
  const perHead = heads.map((head) => ({ head, rows: inputs.map((input) => rowsOf(head, input)) }));
  if (perHead.some(({ rows }) => rows.includes(null))) return null;
  const bounds = perHead.map(({ head, rows }) =>
    headBound(
      rows.flatMap((own) => own!),
      head,
      trainable,
    ),
  );
  return (radius) =>
    proved(Math.max(...bounds.map((bound) => bound(radius))), "T3 on the ball, from the kernel's derivatives");
}
