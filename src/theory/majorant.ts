import type { Lipschitz } from "./lipschitz.js";

/** σ_min(J), shifted down by its rounding, σ_max(J), shifted up, and ‖r‖ where a certificate starts. */
export interface StartingPoint {
  readonly smallest: number;
  readonly largest: number;
  readonly distance: number;
}

/** L_J on a shell: a bound where the distance from the start is in (from, from + width]. */
interface Shell {
  readonly from: number;
  readonly width: number;
  readonly lipschitz: number;
}

/** Bounds of L_J by the distance from the start, until the Jacobian may lose its rank. */
export interface Tube {
  readonly shells: readonly Shell[];
  readonly rigorous: boolean;
  readonly note: string;
}

/** What T2 says of a starting point, where the slope of the majorant is at least a share κ of σ_min at first. */
export interface Majorant {
  /** s*, the longest path that gradient descent can take. */
  readonly radius: number;
  /** m*, which σ_min(J) cannot undercut on the path. */
  readonly smallest: number;
  /** M = σ_max + Λ(s*), which σ_max(J) cannot exceed on the path. */
  readonly largest: number;
}

/** First radius, as a share of the one at which a constant L_J could use up σ_min, and the growth of the shells. */
const FIRST = 2 ** -9;
const GROWTH = 1.25;

/**
 * The shells around a start, out to where Λ(s) = ∫_0^s L_J reaches σ_min. `boundOn(radius)` must not fall as the
 * radius grows.
 */
export function tubeOf(smallest: number, boundOn: (radius: number) => Lipschitz): Tube {
  const { value, rigorous, note } = boundOn(0);
  if (value === 0 && boundOn(Number.MAX_VALUE).value === 0) {
    return { shells: [{ from: 0, width: Infinity, lipschitz: 0 }], rigorous, note };
  }
  const shells: Shell[] = [];
  // Λ(s) ≥ s·L_J(0), so that at most log(1/FIRST)/log(GROWTH) shells are needed, unless every weight underflows
  let [from, to, left] = [0, value === 0 ? Number.EPSILON : (FIRST * smallest) / value, smallest];
  while (left > 0) {
    const [width, lipschitz] = [to - from, boundOn(to).value];
    shells.push({ from, width, lipschitz });
    if (!Number.isFinite(lipschitz)) break;
    left -= width * lipschitz;
    [from, to] = [to, to * GROWTH];
  }
  return { shells, rigorous, note };
}

/**
 * Whether gradient descent from a start reaches zero loss, by the majorant φ(s) = ‖r‖ - κσs + ∫_0^s Λ of
 * ‖r‖ after a path of length s. It returns the first root of φ, or, if there is none, the greatest ‖r‖ for
 * which there would be one.
 */
export function firstRoot(
  { smallest, largest, distance }: StartingPoint,
  { shells }: Tube,
  share = 1,
): { readonly majorant: Majorant | null; readonly reachable: number } {
  let slope = share * smallest;
  let majorant: Majorant | null = null;
  let covered = 0;
  for (const { from, width, lipschitz } of shells) {
    if (!Number.isFinite(lipschitz)) break; // nothing is known of this shell
    const left = distance - covered;
    const disc = slope ** 2 - 2 * lipschitz * left;
    if (majorant === null && disc > 0) {
      const step = (2 * left) / (slope + Math.sqrt(disc));
      if (step <= width) {
        const end = Math.sqrt(disc);
        majorant = { radius: from + step, smallest: end, largest: largest + share * smallest - end };
      }
    }
    if (lipschitz === 0 && width === Infinity) return { majorant, reachable: Infinity };
    // φ falls by slope·x - L x²/2 over a path x, until the slope is 0
    const x = lipschitz === 0 ? width : Math.min(width, slope / lipschitz);
    covered += (slope - (lipschitz * x) / 2) * x;
    if (x < width) break;
    slope -= lipschitz * x;
  }
  return { majorant, reachable: covered };
}

/** A step size that T2 allows from a start, and the rate at which ‖r‖ then shrinks at least. */
export interface Pace {
  readonly majorant: Majorant;
  /** κ */
  readonly share: number;
}

/** The shares κ that are tried for steps above 1/M². */
const SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];

/**
 * The majorant for steps η, or null if none allows them.
 *
 * With M² ≥ σ_max(J)² on the path, y = ηM² and μ = ησ_min²: κ = 1 if y ≤ 1; else every κ with κ² ≤
 * y(2 - y - μ) and μ < 2 - y.
 */
export function paceOf(point: StartingPoint, tube: Tube, stepSize: number): Pace | null {
  for (const share of SHARES) {
    const { majorant } = firstRoot(point, tube, share);
    if (majorant === null) return null;
    const y = stepSize * majorant.largest ** 2;
    const room = 2 - y - stepSize * point.smallest ** 2;
    if (share === 1 ? y <= 1 : room > 0 && share ** 2 <= y * room) return { majorant, share };
  }
  return null;
}
