import type { Lipschitz } from "./lipschitz.js";

/** First radius at which a bound is taken, and the growth of the radii after it. */
const FIRST = 2 ** -20;
const GROWTH = 1.2;

/** Bounds by the distance s from a point of weight space. */
export interface Drift {
  /** Λ(s) = ∫_0^s L_J ≥ ‖J(θ) - J(θ_0)‖. */
  readonly jacobian: (distance: number) => number;
  /** ∫_0^s Λ ≥ ‖r(θ) - r(θ_0) - J(θ_0)(θ - θ_0)‖. */
  readonly outputs: (distance: number) => number;
}

/**
 * Integrates L_J outwards, with its value at the outer end of every shell. `scale` is a distance of interest. L_J must
 * not fall as the radius grows.
 */
export function driftOf(boundOn: (radius: number) => Lipschitz, scale: number): Drift {
  interface Shell {
    readonly from: number;
    readonly to: number;
    readonly lipschitz: number;
    /** Λ and ∫Λ at `from`. */
    readonly slope: number;
    readonly value: number;
  }
  const shells: Shell[] = [];
  const at = ({ from, lipschitz, slope, value }: Shell, s: number) => ({
    slope: slope + lipschitz * (s - from),
    value: value + slope * (s - from) + (lipschitz * (s - from) ** 2) / 2,
  });
  const reach = (distance: number): { readonly slope: number; readonly value: number } => {
    if (distance === 0) return { slope: 0, value: 0 };
    if (!Number.isFinite(distance)) return { slope: Infinity, value: Infinity };
    let last = shells.at(-1);
    while (last === undefined || last.to < distance) {
      const from: number = last === undefined ? 0 : last.to;
      const to: number = last === undefined ? scale * FIRST : from * GROWTH;
      last = {
        from,
        to,
        lipschitz: boundOn(to).value,
        ...(last === undefined ? { slope: 0, value: 0 } : at(last, from)),
      };
      shells.push(last);
      if (!Number.isFinite(last.lipschitz)) return { slope: Infinity, value: Infinity };
    }
    return at(
      shells.find(({ to }) => distance <= to)!,
      distance,
    );
  };
  return { jacobian: (distance) => reach(distance).slope, outputs: (distance) => reach(distance).value };
}
