import { random, type Random } from "../../core/random.js";
import { disposeTree, type Backend, type Tensor } from "../../core/tensor.js";
import { factored } from "../../kernels/factored.js";
import type { AttentionKernel } from "../../kernels/kernel.js";
import { relativePosition } from "../../kernels/relative-position.js";
import { spatial } from "../../kernels/spatial.js";
import { ansatz } from "../../physics/ansatz.js";
import type { AnsatzParameters } from "../../physics/ansatz-parameters.js";
import { heisenberg } from "../../physics/hamiltonian.js";
import { patches } from "../../physics/lattice.js";
import { representativesOf } from "../../physics/orbits.js";
import { exactSampler, metropolisSampler, randomChains, summation, type Sampler } from "../../physics/sampler.js";
import { pointGroup, productOf, shiftsWithin, spinFlip, translations, type Symmetry } from "../../physics/symmetry.js";
import type { VariationalProblem } from "../../physics/variational.js";
import { restoreTree, snapshotsOf, tensorsOf } from "../runner/snapshot.js";
import { latticeOf, type AttentionName, type ProjectionName, type OptimizationSetting } from "./setting.js";
import type { Curves } from "./measurements.js";

/**
 * All kernels depend on positions only by displacement, so the transformer is invariant under translations by whole
 * patches.
 */
const kernelOf: Readonly<Record<AttentionName, (extents: readonly number[]) => AttentionKernel>> = {
  factored: (periodic) => factored({ periodic }),
  softmax: (periodic) => relativePosition({ periodic }),
  spatial: (periodic) => spatial({ periodic }),
};

/** The variational problem of a configuration. */
export function problemOf(
  attention: AttentionName,
  { extents, j2, patch, width, hidden, heads, layers, projection, signs }: OptimizationSetting,
): VariationalProblem {
  const lattice = latticeOf(extents);
  const within = shiftsWithin(lattice, patch);
  const ofSpace = (): readonly Symmetry[] => productOf(within, pointGroup(lattice));
  // Together with the translations by whole patches these are complete groups.
  const elements: Readonly<Record<ProjectionName, () => readonly Symmetry[]>> = {
    none: () => [],
    translations: () => within,
    "space-group": ofSpace,
    all: () => productOf(ofSpace(), spinFlip(lattice)),
  };
  const images = elements[projection]();
  const whole = translations(lattice, patch);
  const kernel = kernelOf[attention](patches(lattice, patch).extents);
  const model = { lattice, kernel, patch, width, hidden, heads, layers };
  return {
    ansatz: ansatz(
      images.length === 0 ? model : { ...model, projection: { elements: images, characters: images.map(() => 1) } },
    ),
    hamiltonian: heisenberg(lattice, { j2, marshall: signs === "marshall" }),
    represent: representativesOf(lattice.sites, images.length === 0 ? whole : productOf(whole, images)),
  };
}

/** Everything that changes from step to step. */
export interface OptimizationState {
  /** Steps taken. */
  step: number;
  /** Changed in place. */
  readonly parameters: AnsatzParameters;
  /** Direction of the last step, from which SPRING continues. */
  direction: Tensor | undefined;
  readonly stream: Random;
  /** Spins of the Metropolis chains, changed in place. */
  readonly chains: Int8Array;
  readonly curves: Curves;
  /** Mean attention weights of each layer at the last measurement. */
  maps: number[][];
}

/** An `OptimizationState` outside the backend. */
export interface StoredOptimization extends Pick<OptimizationState, "step" | "curves" | "maps"> {
  /** The tree of the parameters, with snapshots for tensors. */
  readonly parameters: unknown;
  /** A snapshot, or null before the first step. */
  readonly direction: unknown;
  readonly stream: readonly number[];
  readonly chains: readonly number[];
}

/** Initial state of an optimisation. */
export function begin(
  { ansatz: model }: VariationalProblem,
  { chains }: OptimizationSetting,
  seed: number,
  backend: Backend,
): OptimizationState {
  const stream = random(seed);
  const parameters = model.initialize(backend, stream);
  const curves = { energies: [], errors: [], variances: [], seconds: [], dependence: [], raisedShifts: 0 };
  return {
    step: 0,
    parameters,
    direction: undefined,
    stream,
    chains: randomChains(model.lattice, chains, stream),
    curves,
    maps: [],
  };
}

/** The state for `restore`, with all numbers bit for bit. */
export async function storedOf({
  step,
  parameters,
  direction,
  stream,
  chains,
  curves,
  maps,
}: OptimizationState): Promise<StoredOptimization> {
  const tensors = (await snapshotsOf({ parameters, direction: direction ?? null })) as {
    readonly parameters: unknown;
    readonly direction: unknown;
  };
  return { step, ...tensors, stream: stream.state(), chains: Array.from(chains), curves, maps };
}

/** Sets an initial state to a stored one. */
export function restore(
  state: OptimizationState,
  { step, parameters, direction, stream, chains, curves, maps }: StoredOptimization,
): void {
  restoreTree(state.parameters, parameters);
  state.direction?.dispose();
  state.direction =
    direction === null ? undefined : (tensorsOf(direction, state.parameters.embedding.weight.backend) as Tensor);
  state.stream.restore(stream);
  state.chains.set(chains);
  Object.assign(state.curves, structuredClone(curves));
  Object.assign(state, { step, maps });
}

export function samplerOf(
  { ansatz: { lattice } }: VariationalProblem,
  { sampling, chains }: OptimizationSetting,
  state: OptimizationState,
): Sampler {
  if (sampling === "sum") return summation(lattice.sites);
  if (sampling === "draws") return exactSampler(lattice.sites, state.stream);
  return metropolisSampler(lattice, state.stream, { chains, current: state.chains });
}

export function disposeState({ parameters, direction }: OptimizationState): void {
  disposeTree({ parameters, direction });
}
