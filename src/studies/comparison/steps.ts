/** A loss after some steps. */
export interface CurvePoint {
  readonly steps: number;
  readonly loss: number;
}

/**
 * Steps until a curve first fell to `loss`, on straight lines between its points. If the first point reached it, the
 * steps of that point, an upper bound; undefined if no point did.
 */
export function stepsTo(curve: readonly CurvePoint[], loss: number): number | undefined {
  const at = curve.findIndex((point) => point.loss <= loss);
  if (at <= 0) return at < 0 ? undefined : curve[0].steps;
  const [before, after] = [curve[at - 1], curve[at]];
  const share = (before.loss - loss) / (before.loss - after.loss);
  return before.steps + share * (after.steps - before.steps);
}
