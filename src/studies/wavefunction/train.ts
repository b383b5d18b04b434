import { random } from "../../core/random.js";
import { isTensor, type Tensor } from "../../core/tensor.js";
import { leaves } from "../../core/tree.js";
import { factored } from "../../kernels/factored.js";
import type { AttentionKernel } from "../../kernels/kernel.js";
import { relativePosition } from "../../kernels/relative-position.js";
import { rememberedAmplitudes } from "../../physics/amplitudes.js";
import { ansatz } from "../../physics/ansatz.js";
import { heisenberg } from "../../physics/hamiltonian.js";
import { attentionMaps, type AttentionMap } from "../../physics/input-dependence.js";
import { parameterCount } from "../../physics/jacobian.js";
import { patches, square } from "../../physics/lattice.js";
import { exactSampler, metropolisSampler } from "../../physics/sampler.js";
import { zeroVarianceEnergy } from "../../physics/statistics.js";
import { translations } from "../../physics/symmetry.js";
import { cosineSchedule, enumeratedEnergy, measure, variationalStep, type Measurement } from "../../physics/variational.js";
import type { Session } from "../study.js";
import type { AttentionName, WavefunctionConfiguration } from "./configuration.js";
import type { Dependence, WavefunctionRun } from "./measurements.js";

/** Both depend on positions by displacement alone, so ψ is invariant under translations by whole patches. */
const kernelOf: Readonly<Record<AttentionName, (extents: readonly number[]) => AttentionKernel>> = {
  factored: (periodic) => factored({ periodic }),
  softmax: (periodic) => relativePosition({ periodic }),
};

/** How often ρ is measured. */
const DEPENDENCE_EVERY = 10;
/** The share of the steps, at the end, whose energies extrapolate to zero variance. */
const EXTRAPOLATED_SHARE = 1 / 2;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function headMean({ mean, heads, tokens }: AttentionMap): number[] {
  const pairs = tokens * tokens;
  return Array.from({ length: pairs }, (_, pair) => Array.from({ length: heads }, (_, head) => mean[head * pairs + pair]).reduce((a, b) => a + b, 0) / heads);
}

/** Optimises one wave function, and yields the run as it stands after every step. */
export async function* optimize(
  attention: AttentionName,
  seed: number,
  configuration: WavefunctionConfiguration,
  session: Session<unknown>,
  reference: number | undefined,
): AsyncGenerator<WavefunctionRun> {
  const { side, j2, patch, width, heads, layers, steps, samples, rate, shift, momentum, longest, enumerate, explore, chains } = configuration;
  const lattice = square(side);
  const hamiltonian = heisenberg(lattice, { j2 });
  const model = ansatz({ lattice, kernel: kernelOf[attention](patches(lattice, patch).extents), patch, width, heads, layers });
  const stream = random(seed);
  const explorer = enumerate ? exactSampler(lattice.sites, stream, { power: explore }) : undefined;
  const problem = { ansatz: model, hamiltonian, invariances: translations(lattice, patch), ...(explorer ? { explorer } : {}) };
  const parameters = model.initialize(session.backend, stream);
  const sampler = enumerate ? exactSampler(lattice.sites, stream) : metropolisSampler(lattice, stream, { chains });
  const rateOf = cosineSchedule({ ...rate, steps });
  const perSite = (value: number): number => value / lattice.sites;

  const [energies, errors, variances, times]: number[][] = [[], [], [], []];
  const dependence: Dependence[] = [];
  const start = performance.now();
  let maps: AttentionMap[] = [];
  let direction: Tensor | undefined;
  let raisedShifts = 0;

  const state = (measurement: Measurement, ending: Partial<WavefunctionRun> = {}): WavefunctionRun => ({
    attention,
    seed,
    parameters: parameterCount(parameters),
    energies,
    errors,
    variances,
    dependence,
    maps: maps.map(headMean),
    last: { ...measurement.energy, mean: perSite(measurement.energy.mean), error: perSite(measurement.energy.error) },
    raisedShifts,
    secondsPerStep: median(times),
    seconds: (performance.now() - start) / 1000,
    finished: false,
    ...ending,
  });
  const look = async (step: number, { drawn }: Measurement): Promise<void> => {
    maps = await attentionMaps(model, parameters, drawn);
    dependence.push({ step, layers: maps.map(({ inputDependence }) => inputDependence) });
  };

  try {
    for (let step = 0; step < steps; step++) {
      const before = performance.now();
      const { measurement, direction: next, shift: taken } = await variationalStep(problem, parameters, sampler, direction, { samples, rate: rateOf(step), shift, momentum, longest });
      direction?.dispose();
      direction = next;
      if (taken > shift) raisedShifts++;
      times.push((performance.now() - before) / 1000);
      const { energy } = measurement;
      energies.push(perSite(energy.mean));
      errors.push(perSite(energy.error));
      variances.push(energy.variance);
      if (step % DEPENDENCE_EVERY === 0) await look(step + 1, measurement);
      const off = reference === undefined ? "" : `, relative error ${(Math.abs((perSite(energy.mean) - reference) / reference)).toExponential(1)}`;
      session.report({ kind: "progress", label: `${attention}, seed ${seed}`, done: step + 1, total: steps, note: `energy ${perSite(energy.mean).toFixed(5)} ± ${perSite(energy.error).toFixed(5)}${off}` });
      yield state(measurement);
      await session.checkpoint();
    }
    const logAmplitude = rememberedAmplitudes(model, parameters, problem.invariances);
    const final = await measure(problem, logAmplitude, sampler, samples);
    await look(steps, final);
    const points = energies.map((energy, step) => ({ energy, variance: variances[step] })).slice(-Math.ceil(steps * EXTRAPOLATED_SHARE));
    yield state(final, {
      finished: true,
      ...(points.length > 1 ? { zeroVariance: zeroVarianceEnergy(points) } : {}),
      ...(enumerate ? { enumerated: perSite(await enumeratedEnergy(problem, logAmplitude)) } : {}),
    });
  } finally {
    direction?.dispose();
    for (const parameter of leaves(parameters, isTensor)) parameter.dispose();
  }
}
