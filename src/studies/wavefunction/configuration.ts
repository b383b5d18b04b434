import { ArgumentError } from "../../core/errors.js";
import { chain, square, type Lattice } from "../../physics/lattice.js";
import { GROUPS } from "../../physics/sampler.js";
import { HEADS, LAYERS, STEPS } from "../limits.js";
import { list, oneOf, optional, real, record, whole, type Fields } from "../runner/schema.js";
import { MOST_SITES } from "../../physics/sector.js";

/** The attentions that the study compares, by name. */
export const attentionNames = ["factored", "softmax"] as const;
export type AttentionName = (typeof attentionNames)[number];

/** What ψ is projected on: nothing, all translations, or these with the point group and the flip of all spins; always the trivial representation. */
export const projectionNames = ["none", "translations", "all"] as const;
export type ProjectionName = (typeof projectionNames)[number];

/** How means over |ψ|² are made: sums over the sector S^z = 0, independent draws from it, or Metropolis exchange. */
export const samplingNames = ["sum", "draws", "metropolis"] as const;
export type SamplingName = (typeof samplingNames)[number];

/** One optimisation, but for its attention and seed. */
export interface OptimizationSetting {
  /** Sites along each axis, one of a chain or two of a square. */
  readonly extents: readonly number[];
  /** J2 in units of J1. */
  readonly j2: number;
  readonly patch: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly projection: ProjectionName;
  readonly steps: number;
  readonly sampling: SamplingName;
  /** Draws a step, where there are draws. */
  readonly samples: number;
  /** Metropolis chains. */
  readonly chains: number;
  /** Largest and last learning rate, and steps of its rise. */
  readonly rate: { readonly start: number; readonly end: number; readonly warmup: number };
  /** λ of stochastic reconfiguration. */
  readonly shift: number;
  /** μ of SPRING. */
  readonly momentum: number;
  /** Longest way of a step in the Fubini-Study metric. */
  readonly longest: number;
}

export interface WavefunctionConfiguration extends OptimizationSetting {
  /** Optimisations of each attention, each from weights and draws of its own. */
  readonly seeds: number;
  /** Chains of so many patches, on which ρ of softmax attention is measured after as many steps. */
  readonly lengths: readonly number[];
  /** Optimisations of each length. */
  readonly lengthSeeds: number;
  /** What these chains take in place of their own defaults. */
  readonly lengthChoice?: Partial<Pick<OptimizationSetting, "projection" | "sampling" | "samples">>;
}

/** Sites of a lattice for which tables of all its symmetries fit into memory. */
const MOST_LATTICE = 1024;
const samples = whole(2, 1_000_000);

/** Numbers of patches to grow to, as they stand in a list. */
export const LENGTH = whole(2, MOST_LATTICE / 2);

export const wavefunctionFields = {
  extents: list(whole(2, MOST_LATTICE), 1, 2),
  j2: real(-1000, 1000),
  patch: whole(1, 32),
  width: whole(2, 4096),
  heads: HEADS,
  layers: LAYERS,
  projection: oneOf(projectionNames),
  steps: STEPS,
  sampling: oneOf(samplingNames),
  samples,
  chains: whole(1, 100_000),
  rate: record({ start: real(0, 1000), end: real(0, 1000), warmup: whole(0, 1_000_000) } satisfies Fields<OptimizationSetting["rate"]>),
  shift: real(0, 1000),
  momentum: real(0, 1),
  longest: real(0, Infinity),
  seeds: whole(0, 1000),
  lengths: list(LENGTH, 0, 64),
  lengthSeeds: whole(1, 1000),
  lengthChoice: optional(record({ projection: optional(oneOf(projectionNames)), sampling: optional(oneOf(samplingNames)), samples: optional(samples) } satisfies Fields<WavefunctionConfiguration["lengthChoice"]>)),
} as const satisfies Fields<WavefunctionConfiguration>;

/** The lattice of extents. */
export function latticeOf([rows, columns]: readonly number[]): Lattice {
  return columns === undefined ? chain(rows) : square(rows, columns);
}

/** Sites up to which the sector is enumerated: 16 have 12,870 states. */
const ENUMERATED_SITES = 16;

/**
 * E_max - E_0 of J1-J2 models is about this a site: a ferromagnet has J1/4 and J2/4 for each of its two bonds a site of either kind on a square, half of that on a
 * chain, and ground states lie at -0.45 to -0.8. A learning rate must stay below 1/(E_max - E_0), so that no excited state grows; this keeps
 * three quarters of it.
 */
function rateFor(sites: number, dimension: number, j2: number): number {
  const spread = (dimension * (1 + Math.abs(j2))) / 4 + 0.6;
  return Number((0.75 / (sites * spread)).toPrecision(2));
}

const isSmall = (extents: readonly number[]): boolean => latticeOf(extents).sites <= ENUMERATED_SITES;

/** The default optimisation of a lattice. */
function settingFor(extents: readonly number[], j2: number): OptimizationSetting {
  const { sites } = latticeOf(extents);
  const small = isSmall(extents);
  const rate = rateFor(sites, extents.length, j2);
  return {
    extents,
    j2,
    patch: 2,
    width: small ? 8 : 16,
    heads: small ? 2 : 4,
    layers: 1,
    // a ring has no more than a few images, a square of 6 × 6 sites 64
    projection: small || extents.length === 1 ? "all" : "none",
    steps: small ? 80 : 150,
    sampling: small ? "sum" : "metropolis",
    samples: 512,
    chains: 128,
    rate: { start: rate, end: rate, warmup: small ? 5 : 10 },
    shift: 1e-3,
    momentum: 0,
    longest: 0.3,
  };
}

/** Defaults for a lattice: 4 × 4 takes minutes on two cores. */
export function defaultsFor(extents: readonly number[], j2 = 0.5): WavefunctionConfiguration {
  return { ...settingFor(extents, j2), seeds: isSmall(extents) ? 3 : 1, lengths: [], lengthSeeds: 3 };
}

/** Of the chains on which ρ is measured: the same transformer and steps on each. */
export function chainSettings(
  { j2, patch, steps, width, heads, layers }: OptimizationSetting,
  { lengths, lengthChoice }: Pick<WavefunctionConfiguration, "lengths" | "lengthChoice">,
): OptimizationSetting[] {
  return lengths.map((length) => ({ ...settingFor([length * patch], j2), patch, steps, width, heads, layers, ...lengthChoice }));
}

function refuse(argument: string, wanted: string, got: string | number, fix?: string): never {
  throw new ArgumentError({ where: "study wavefunction", argument, wanted, got: String(got), ...(fix === undefined ? {} : { fix }) });
}

/** A ring of 4k + 2 sites has its ground state at momentum π and odd under the flip of all spins. */
const isOutside = ({ extents, projection, patch }: OptimizationSetting): boolean => extents.length === 1 && extents[0] % 4 !== 0 && !(projection === "none" && patch % 2 === 0);

/** `size` is the flag of the extents. */
function checkSetting(setting: OptimizationSetting, size: string): void {
  const { extents, patch, width, heads, sampling, samples, chains } = setting;
  if (extents.reduce((a, b) => a * b) > MOST_LATTICE) refuse(size, `at most ${MOST_LATTICE} sites`, `${extents.join(" × ")} sites`);
  const { sites } = latticeOf(extents);
  if (sites % 2 !== 0) refuse(size, "an even number of sites, for as many spins up as down", `${sites} sites`);
  if (extents.some((extent) => extent % patch !== 0)) refuse("--patch", `a divisor of ${extents.join(" × ")} sites`, patch);
  if (isOutside(setting)) refuse(size, "a multiple of four sites, on whose ring the ground state has all symmetries", `${extents[0]} sites`, "Else take --projection none and an even --patch.");
  if (width % heads !== 0) refuse("--heads", `a divisor of the width ${width}`, heads);
  if (sampling !== "metropolis" && sites > MOST_SITES) refuse("--sampling", `metropolis above ${MOST_SITES} sites, where the sector is too large to enumerate`, `${sampling} of ${sites} sites`);
  const groups = { sum: 1, draws: GROUPS, metropolis: chains }[sampling];
  if (groups > 1 && (samples % groups !== 0 || samples < 2 * groups)) refuse("--samples", `a multiple of ${groups}, at least ${2 * groups}: so many chains or groups of draws are compared`, samples);
}

/**
 * Bytes, at least, of a step: derivatives of log ψ by the value and output weights alone, real and imaginary in float32, for every configuration
 * that differs from the others by more than a symmetry.
 */
function stepBytes({ extents, width, layers, sampling, samples }: OptimizationSetting): number {
  const sites = extents.reduce((a, b) => a * b);
  const most = sampling === "sum" ? Infinity : samples;
  let states = 1;
  for (let up = 1; up <= sites / 2 && states < 16 * sites * most; up++) states *= (sites - up + 1) / up;
  return 8 * Math.min(most, states / (16 * sites)) * 2 * layers * width ** 2;
}

/** Bytes, at least, of the largest step. */
export const wavefunctionBytes = (configuration: WavefunctionConfiguration): number => Math.max(...[configuration, ...chainSettings(configuration, configuration)].map(stepBytes));

/** @throws ArgumentError that names the flag of what does not fit together. */
export function checkConfiguration(configuration: WavefunctionConfiguration): void {
  checkSetting(configuration, configuration.extents.length === 1 ? "--chain" : "--side");
  for (const setting of chainSettings(configuration, configuration)) checkSetting(setting, "--lengths");
  if (configuration.seeds === 0 && configuration.lengths.length === 0) refuse("--seeds", "one or more, or --lengths of chains", 0);
}
