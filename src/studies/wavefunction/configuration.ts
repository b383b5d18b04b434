/** The attentions that the study compares, by name. */
export const attentionNames = ["factored", "softmax"] as const;
export type AttentionName = (typeof attentionNames)[number];

export interface WavefunctionConfiguration {
  /** Sites along each axis of the square lattice. */
  readonly side: number;
  /** J2 in units of J1. */
  readonly j2: number;
  readonly patch: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  /** Optimisations of each attention, each from weights and draws of its own. */
  readonly seeds: number;
  readonly steps: number;
  /** Draws a step. */
  readonly samples: number;
  /** Largest and last learning rate, and steps of its rise. */
  readonly rate: { readonly start: number; readonly end: number; readonly warmup: number };
  /** λ of stochastic reconfiguration. */
  readonly shift: number;
  /** μ of SPRING. */
  readonly momentum: number;
  /** Longest way of a step in the Fubini-Study metric. */
  readonly longest: number;
  /** Enumerate the sector and draw independently, instead of Metropolis exchange. */
  readonly enumerate: boolean;
  /** Where the sector is enumerated, directions are made of draws from |ψ|^explore, reweighted: below 2 they also see what is not learned yet. */
  readonly explore: number;
  /** Metropolis chains. */
  readonly chains: number;
}

/** Sites up to which the sector is enumerated: 4 × 4 has 12,870 states. */
const ENUMERATED_SITES = 16;

/** Defaults for a side: 4 × 4 takes minutes on two cores. */
export function defaultsFor(side: number): WavefunctionConfiguration {
  const enumerate = side * side <= ENUMERATED_SITES;
  return {
    side,
    j2: 0.5,
    patch: 2,
    width: 16,
    heads: 4,
    layers: 2,
    seeds: enumerate ? 3 : 1,
    steps: enumerate ? 160 : 400,
    samples: 512,
    rate: { start: 0.1, end: 0.01, warmup: 5 },
    shift: 1e-3,
    momentum: 0,
    longest: 0.3,
    enumerate,
    explore: 1,
    chains: 64,
  };
}
