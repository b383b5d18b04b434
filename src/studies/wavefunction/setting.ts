import type { DecayOptions } from "../../nn/schedules.js";
import { EXPANSION } from "../../physics/ansatz-parameters.js";
import { chain, square, type Lattice } from "../../physics/lattice.js";

/** The attentions that the study compares, by name. */
export const attentionNames = ["factored", "softmax", "spatial"] as const;
export type AttentionName = (typeof attentionNames)[number];

/**
 * Symmetry group on whose trivial representation ψ is projected: none, all translations, the space group (translations
 * and the point group), or the space group with the flip of all spins.
 */
export const projectionNames = ["none", "translations", "space-group", "all"] as const;
export type ProjectionName = (typeof projectionNames)[number];

/** The sign rule that is imposed on ψ: none, or Marshall's. */
export const signNames = ["none", "marshall"] as const;
type SignName = (typeof signNames)[number];

/**
 * Computation of means over |ψ|²: sums over the sector S^z = 0 (total spin zero), independent draws from it, or
 * Metropolis exchange.
 */
export const samplingNames = ["sum", "draws", "metropolis"] as const;
export type SamplingName = (typeof samplingNames)[number];

/** Precisions in which the CPU computes log ψ and its derivatives. */
export const precisionNames = ["float64", "float32"] as const;
type PrecisionName = (typeof precisionNames)[number];

/** Settings of one optimisation, except attention and seed. */
export interface OptimizationSetting {
  /** Sites along each axis: one axis for a chain, two for a square. */
  readonly extents: readonly number[];
  /** J2 in units of J1. */
  readonly j2: number;
  readonly patch: number;
  readonly width: number;
  /** Width of the feed-forward layers. */
  readonly hidden: number;
  readonly heads: number;
  readonly layers: number;
  readonly projection: ProjectionName;
  readonly signs: SignName;
  readonly precision: PrecisionName;
  readonly steps: number;
  /** Further steps, with ψ projected on the space group. */
  readonly refinement: number;
  readonly sampling: SamplingName;
  /** Draws per step, if energies are sampled. */
  readonly samples: number;
  /** Metropolis chains. */
  readonly chains: number;
  /** Largest and last learning rate, between which it falls with a cosine, and warm-up steps. */
  readonly rate: { readonly start: number; readonly end: number; readonly warmup: number };
  /** Diagonal shift λ of stochastic reconfiguration. */
  readonly shift: number;
  /** Momentum μ of SPRING. */
  readonly momentum: number;
  /** Most length of a step in the Fubini-Study metric. */
  readonly longest: number;
}

/** The lattice with these extents. */
export function latticeOf([rows, columns]: readonly number[]): Lattice {
  return columns === undefined ? chain(rows) : square(rows, columns);
}

/** Most sites for which 64 images of every configuration take minutes. */
export const MOST_PROJECTED_SITES = 36;

/** Most sites for which the sector is enumerated by default: 16 sites have 12,870 states. */
const ENUMERATED_SITES = 16;

/**
 * Default learning rate, three quarters of 1/(E_max - E_0): above that limit excited states grow.
 *
 * E_max is that of a ferromagnet, which has J1/4 and J2/4 for each bond. A square has two bonds of either kind per
 * site, a chain one. Ground states have -0.45 to -0.8 per site.
 */
function rateFor(sites: number, dimension: number, j2: number): number {
  const spread = (dimension * (1 + Math.abs(j2))) / 4 + 0.6;
  return Number((0.75 / (sites * spread)).toPrecision(2));
}

/** The learning rates of the steps, and of the refinement if there is one: it begins at half of the start. */
export function schedulesOf({
  rate: { start, end, warmup },
  steps,
  refinement,
}: Pick<OptimizationSetting, "rate" | "steps" | "refinement">): Required<DecayOptions>[] {
  const first = { start, end, steps, warmup: Math.min(warmup, steps - 1) };
  if (refinement === 0) return [first];
  const half = Math.max(end, start / 2);
  return [
    { ...first, end: half },
    { start: half, end, steps: refinement, warmup: 0 },
  ];
}

/** Draws of the final energy in units of those of a step: more after a refinement, which ends near the exact one. */
export const finalDrawsOf = ({ refinement }: Pick<OptimizationSetting, "refinement">): number =>
  refinement > 0 ? 16 : 4;

/** Whether the sector is enumerated by default. */
export const isSmall = (extents: readonly number[]): boolean => latticeOf(extents).sites <= ENUMERATED_SITES;

/** Whether the lattice is a square that is sampled by default. */
export const isLargeSquare = (extents: readonly number[]): boolean => extents.length === 2 && !isSmall(extents);

/** Default networks: of lattices whose sector is enumerated, and of larger ones. */
const networks = {
  small: { width: 8, hidden: 8 * EXPANSION, heads: 2, layers: 1 },
  ring: { width: 16, hidden: 16 * EXPANSION, heads: 4, layers: 1 },
  square: { width: 24, hidden: 48, heads: 4, layers: 2 },
} as const;

/** The default optimisation of a lattice. */
export function settingFor(extents: readonly number[], j2: number): OptimizationSetting {
  const { sites } = latticeOf(extents);
  const small = isSmall(extents);
  const large = isLargeSquare(extents);
  const stable = rateFor(sites, extents.length, j2);
  return {
    extents,
    j2,
    patch: 2,
    ...networks[large ? "square" : small ? "small" : "ring"],
    // all symmetries are few images on a ring, but 64 on a square of 6 × 6 sites
    projection: large ? "translations" : "all",
    signs: small ? "none" : "marshall",
    precision: large ? "float32" : "float64",
    steps: large ? 150 : small ? 80 : 200,
    refinement: large && sites <= MOST_PROJECTED_SITES ? 90 : 0,
    sampling: small ? "sum" : "metropolis",
    samples: large ? 256 : 512,
    chains: large ? 64 : 128,
    // draws hardly hold the ferromagnet, so that a sampled optimisation bears twice the rate
    rate: large
      ? { start: 2 * stable, end: stable / 5, warmup: 10 }
      : { start: stable, end: stable, warmup: small ? 5 : 10 },
    shift: 1e-3,
    momentum: large ? 0.9 : 0,
    longest: 0.3,
  };
}
