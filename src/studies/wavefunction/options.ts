import { ArgumentError } from "../../core/errors.js";
import { EXPANSION } from "../../physics/ansatz-parameters.js";
import { GROUPS } from "../../physics/sampler.js";
import { MOST_SITES } from "../../physics/sector.js";
import { HEADS, LAYERS, STEPS } from "../options.js";
import {
  kernelNames,
  oneOf,
  real,
  setting,
  whole,
  wholeFlag,
  wholes,
  type Chosen,
  type Values,
} from "../runner/options.js";
import {
  list,
  oneOf as among,
  optional,
  real as realNumber,
  record,
  whole as wholeNumber,
  type Fields,
} from "../runner/schema.js";
import {
  attentionNames,
  isLargeSquare,
  isSmall,
  latticeOf,
  precisionNames,
  projectionNames,
  samplingNames,
  settingFor,
  signNames,
  type AttentionName,
  type OptimizationSetting,
} from "./setting.js";

/** Most sites of a lattice; tables of all its symmetries must fit into memory. */
const MOST_LATTICE = 1024;
const SAMPLES = { least: 2, most: 1_000_000 };
const rateFields = {
  start: realNumber(0, 1000),
  end: realNumber(0, 1000),
  warmup: wholeNumber(0, 1_000_000),
} as const satisfies Fields<OptimizationSetting["rate"]>;
const choiceFields = {
  projection: optional(among(projectionNames)),
  precision: optional(among(precisionNames)),
  sampling: optional(among(samplingNames)),
  samples: optional(wholeNumber(SAMPLES.least, SAMPLES.most)),
};

/** Choices that replace the defaults of chains of growing length. */
type LengthChoice = Partial<Pick<OptimizationSetting, "projection" | "precision" | "sampling" | "samples">>;

const quick = settingFor([4, 4], 0.5);

/** The defaults are for 4 × 4 sites and take minutes on two cores; `derive` has those for other lattices. */
export const wavefunctionOptions = {
  extents: setting<readonly number[]>(quick.extents, list(wholeNumber(2, MOST_LATTICE), 1, 2), [
    wholeFlag(
      "side",
      { least: 4, most: 32 },
      "sites along each axis of a square (default: 4); 4 sums over all configurations, more are sampled",
      (side) => [side, side],
    ),
    wholeFlag("chain", { least: 4, most: MOST_LATTICE }, "number of sites of a ring, instead of a square", (sites) => [
      sites,
    ]),
  ]),
  j2: real(quick.j2, { least: -1000, most: 1000, help: "J2 in units of J1" }),
  patch: whole(quick.patch, { least: 1, most: 32, help: "sites along each axis of a patch" }),
  width: whole(quick.width, { least: 2, most: 4096, help: "width of the transformer" }),
  hidden: whole(quick.hidden, { least: 1, most: 16384, help: "width of the feed-forward layers" }),
  heads: whole(quick.heads, { ...HEADS, help: "heads of each layer" }),
  layers: whole(quick.layers, { ...LAYERS, help: "layers" }),
  projection: oneOf(quick.projection, projectionNames, { help: "symmetries on which the wave function is projected" }),
  signs: oneOf(quick.signs, signNames, { help: "sign rule that is imposed on the wave function" }),
  precision: oneOf(quick.precision, precisionNames, { help: "precision of log ψ and its derivatives on the CPU" }),
  steps: whole(quick.steps, { ...STEPS, help: "steps of stochastic reconfiguration" }),
  refinement: whole(quick.refinement, {
    least: 0,
    most: STEPS.most,
    flag: "refine",
    help: "steps after these, projected on the space group, from half the learning rate",
  }),
  sampling: oneOf(quick.sampling, samplingNames, { help: "how means over |ψ|² are computed" }),
  samples: whole(quick.samples, { ...SAMPLES, help: "draws per step, a multiple of the number of chains" }),
  chains: whole(quick.chains, { least: 1, most: 100_000 }),
  rate: setting(quick.rate, record(rateFields)),
  shift: real(quick.shift, { least: 0, most: 1000 }),
  momentum: real(quick.momentum, { least: 0, most: 1 }),
  longest: real(quick.longest, { least: 0, most: Infinity }),
  kernels: kernelNames<AttentionName>(
    ["factored", "softmax", "spatial"],
    "attentions to compare: factored,softmax,spatial; softmax has relative positions",
    attentionNames,
  ),
  /** Number of optimisations, each from its own weights and draws. */
  seeds: whole(3, { least: 0, most: 1000, help: "optimisations of each attention; 0 for --lengths alone" }),
  /** Patches of chains on which input dependence ρ of softmax attention is measured, with the same number of steps. */
  lengths: wholes([], {
    least: 2,
    most: MOST_LATTICE / 2,
    count: 64,
    help: "also measure input dependence ρ of softmax attention on rings of these numbers of patches, such as 4,6,8",
  }),
  lengthSeeds: whole(3, { least: 1, most: 1000, help: "optimisations for each of these lengths" }),
  lengthChoice: setting<LengthChoice | undefined>(undefined, optional(record(choiceFields))),
};

export type WavefunctionOptions = Values<typeof wavefunctionOptions>;

/**
 * Defaults for the chosen lattice. A chosen projection is that of all steps, unless others are chosen too. Chains of
 * `--lengths` follow the choice of projection, precision, sampling and samples.
 */
export function derive({
  extents = quick.extents,
  j2 = quick.j2,
  width,
  projection,
  precision,
  sampling,
  samples,
  seeds,
  lengths,
}: Chosen<typeof wavefunctionOptions>): Chosen<typeof wavefunctionOptions> {
  const choice = Object.fromEntries(
    Object.entries({ projection, precision, sampling, samples }).filter(([, value]) => value !== undefined),
  );
  return {
    ...settingFor(extents, j2),
    ...(width === undefined ? {} : { hidden: EXPANSION * width }),
    ...(projection !== undefined || seeds === 0 ? { refinement: 0 } : {}),
    ...(isLargeSquare(extents) ? { kernels: ["factored", "softmax"] } : {}),
    seeds: isSmall(extents) ? 3 : 1,
    ...(lengths === undefined ? {} : { lengthChoice: choice }),
  };
}

/** Settings of the chains on which ρ is measured, with the same transformer and steps on each. */
export function chainSettings(
  { j2, patch, signs, steps, width, hidden, heads, layers }: OptimizationSetting,
  { lengths, lengthChoice }: Pick<WavefunctionOptions, "lengths" | "lengthChoice">,
): OptimizationSetting[] {
  return lengths.map((length) => ({
    ...settingFor([length * patch], j2),
    patch,
    signs,
    steps,
    width,
    hidden,
    heads,
    layers,
    ...lengthChoice,
  }));
}

function refuse(argument: string, wanted: string, got: string | number, fix?: string): never {
  throw new ArgumentError({
    where: "study wavefunction",
    argument,
    wanted,
    got: String(got),
    ...(fix === undefined ? {} : { fix }),
  });
}

/**
 * Whether the projection excludes the ground state: on a ring of 4k + 2 sites it has momentum π and is odd under the
 * flip of all spins. In the basis of Marshall's rule it has all symmetries.
 */
export const isOutside = ({ extents, projection, patch, signs }: OptimizationSetting): boolean =>
  extents.length === 1 && extents[0] % 4 !== 0 && signs === "none" && !(projection === "none" && patch % 2 === 0);

/** Checks a setting; `size` is the flag of its extents. */
function checkSetting(setting: OptimizationSetting, size: string): void {
  const { extents, patch, width, heads, sampling, samples, chains } = setting;
  if (extents.reduce((a, b) => a * b) > MOST_LATTICE)
    refuse(size, `at most ${MOST_LATTICE} sites`, `${extents.join(" × ")} sites`);
  const { sites } = latticeOf(extents);
  if (sites % 2 !== 0) refuse(size, "an even number of sites, for as many spins up as down", `${sites} sites`);
  if (extents.some((extent) => extent % patch !== 0))
    refuse("--patch", `a divisor of ${extents.join(" × ")} sites`, patch);
  if (isOutside(setting))
    refuse(
      size,
      "a multiple of four sites, on whose ring the ground state has all symmetries",
      `${extents[0]} sites`,
      "Else take --signs marshall, or --projection none and an even --patch.",
    );
  if (setting.refinement > 0 && (setting.projection === "space-group" || setting.projection === "all"))
    refuse(
      "--refine",
      "0 where every step is projected on the space group already",
      setting.refinement,
      "Take --projection translations or none for the steps before.",
    );
  if (setting.refinement > 0 && isOutside({ ...setting, projection: "space-group" }))
    refuse(
      "--refine",
      "0 where the ground state does not have the symmetries of the space group",
      setting.refinement,
      "Else take --signs marshall.",
    );
  if (width % heads !== 0) refuse("--heads", `a divisor of the width ${width}`, heads);
  if (sampling !== "metropolis" && sites > MOST_SITES)
    refuse(
      "--sampling",
      `metropolis above ${MOST_SITES} sites, where the sector is too large to enumerate`,
      `${sampling} of ${sites} sites`,
    );
  const groups = { sum: 1, draws: GROUPS, metropolis: chains }[sampling];
  if (groups > 1 && (samples % groups !== 0 || samples < 2 * groups))
    refuse(
      "--samples",
      `a multiple of ${groups}, at least ${2 * groups}: equally many draws, two or more, for each chain or ` +
        "group that is compared",
      samples,
    );
}

/**
 * Least bytes of a step: derivatives of log ψ with respect to the value, output and feed-forward weights, real and
 * imaginary in float32, for every configuration up to symmetry.
 */
function stepBytes({ extents, width, hidden, layers, sampling, samples }: OptimizationSetting): number {
  const sites = extents.reduce((a, b) => a * b);
  const most = sampling === "sum" ? Infinity : samples;
  let states = 1;
  for (let up = 1; up <= sites / 2 && states < 16 * sites * most; up++) states *= (sites - up + 1) / up;
  return 8 * Math.min(most, states / (16 * sites)) * 2 * layers * width * (width + hidden);
}

/** Least bytes of the largest step. */
export const bytesOf = (options: WavefunctionOptions): number =>
  Math.max(...[options, ...chainSettings(options, options)].map(stepBytes));

/** @throws ArgumentError that names the flag of an option that does not fit. */
export function checkOptions(options: WavefunctionOptions): void {
  checkSetting(options, options.extents.length === 1 ? "--chain" : "--side");
  for (const setting of chainSettings(options, options)) checkSetting(setting, "--lengths");
  if (options.seeds === 0 && options.refinement > 0) refuse("--refine", "0 without --seeds", options.refinement);
  if (options.seeds === 0 && options.lengths.length === 0) refuse("--seeds", "one or more, or --lengths of chains", 0);
}
