import { rememberedAmplitudes } from "../../physics/amplitudes.js";
import { attentionMaps, type AttentionMap } from "../../physics/input-dependence.js";
import { parameterCount } from "../../physics/jacobian.js";
import { zeroVarianceEnergy } from "../../physics/statistics.js";
import { cosineSchedule, measure, variationalStep, type Measurement, type VariationalProblem } from "../../physics/variational.js";
import type { Session } from "../study.js";
import type { AttentionName, WavefunctionConfiguration } from "./configuration.js";
import type { WavefunctionRun } from "./measurements.js";
import { begin, disposeState, problemOf, samplerOf, type OptimizationState } from "./optimization.js";

/** How often ρ is measured. */
const DEPENDENCE_EVERY = 10;
/** The share of the steps, at the end, whose energies extrapolate to zero variance. */
const EXTRAPOLATED_SHARE = 1 / 2;

function headMean({ mean, heads, tokens }: AttentionMap): number[] {
  const pairs = tokens * tokens;
  return Array.from({ length: pairs }, (_, pair) => Array.from({ length: heads }, (_, head) => mean[head * pairs + pair]).reduce((a, b) => a + b, 0) / heads);
}

/** Measures ρ of every layer, and gives the mean attention weights. */
async function look({ ansatz }: VariationalProblem, { parameters, curves, step }: OptimizationState, { drawn }: Measurement): Promise<number[][]> {
  const maps = await attentionMaps(ansatz, parameters, drawn);
  curves.dependence.push({ step, layers: maps.map(({ inputDependence }) => inputDependence) });
  return maps.map(headMean);
}

/** Optimises one wave function, and yields the run as it stands after every step. */
export async function* optimize(
  attention: AttentionName,
  seed: number,
  configuration: WavefunctionConfiguration,
  session: Session<unknown>,
  reference: number | undefined,
): AsyncGenerator<WavefunctionRun> {
  const { extents, steps, samples, rate, shift, momentum, longest } = configuration;
  const problem = problemOf(attention, configuration);
  const { sites } = problem.hamiltonian.lattice;
  const state = begin(problem, configuration, seed, session.backend);
  const sampler = samplerOf(problem, configuration, state);
  const rateOf = cosineSchedule({ ...rate, steps });
  const perSite = (value: number): number => value / sites;
  const { parameters, curves } = state;
  let maps: number[][] = [];

  const stand = ({ energy }: Measurement, finished: boolean): WavefunctionRun => {
    const points = curves.energies.map((value, step) => ({ energy: value, variance: curves.variances[step] })).slice(-Math.ceil(steps * EXTRAPOLATED_SHARE));
    return {
      ...curves,
      attention,
      seed,
      extents,
      parameters: parameterCount(parameters),
      maps,
      last: { ...energy, mean: perSite(energy.mean), error: perSite(energy.error) },
      ...(finished && points.length > 1 ? { zeroVariance: zeroVarianceEnergy(points) } : {}),
      finished,
    };
  };

  try {
    while (state.step < steps) {
      const before = performance.now();
      const options = { samples, rate: rateOf(state.step), shift, momentum, longest };
      const { measurement, direction, shift: taken } = await variationalStep(problem, parameters, sampler, state.direction, options);
      state.direction?.dispose();
      state.direction = direction;
      state.step++;
      if (taken > shift) curves.raisedShifts++;
      curves.seconds.push((performance.now() - before) / 1000);
      const { energy } = measurement;
      curves.energies.push(perSite(energy.mean));
      curves.errors.push(perSite(energy.error));
      curves.variances.push(energy.variance);
      if ((state.step - 1) % DEPENDENCE_EVERY === 0) maps = await look(problem, state, measurement);
      const bar = energy.error > 0 ? ` ± ${perSite(energy.error).toFixed(5)}` : "";
      const off = reference === undefined ? "" : `, relative error ${Math.abs((perSite(energy.mean) - reference) / reference).toExponential(1)}`;
      const label = `${attention}, ${extents.join(" × ")}, seed ${seed}`;
      session.report({ kind: "progress", label, done: state.step, total: steps, note: `energy ${perSite(energy.mean).toFixed(5)}${bar}${off}` });
      yield stand(measurement, false);
      await session.checkpoint();
    }
    const final = await measure(problem, rememberedAmplitudes(problem.ansatz, parameters, problem.represent), sampler, samples);
    maps = await look(problem, state, final);
    yield stand(final, true);
  } finally {
    disposeState(state);
  }
}
