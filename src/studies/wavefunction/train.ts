import { countParameters } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { attentionMaps, type AttentionMap } from "../../physics/input-dependence.js";
import type { LogAmplitude } from "../../physics/amplitudes.js";
import type { Sampler } from "../../physics/sampler.js";
import { zeroVarianceEnergy, type Statistics } from "../../physics/statistics.js";
import { measure, variationalStep, type Measurement, type VariationalProblem } from "../../physics/variational.js";
import { cosineSchedule, type Schedule } from "../../nn/schedules.js";
import { isFiniteTree } from "../runner/snapshot.js";
import type { Work } from "../runner/study.js";
import { onBackend, onThreads, type Evaluation } from "./evaluation.js";
import type { WavefunctionRun } from "./measurements.js";
import { isOutside } from "./options.js";
import {
  begin,
  disposeState,
  problemOf,
  restore,
  samplerOf,
  storedOf,
  type OptimizationState,
  type StoredOptimization,
} from "./optimization.js";
import {
  finalDrawsOf,
  latticeOf,
  MOST_PROJECTED_SITES,
  schedulesOf,
  type AttentionName,
  type OptimizationSetting,
} from "./setting.js";

/** Steps between measurements of input dependence ρ. */
const DEPENDENCE_EVERY = 10;
/** Share of the steps with the last projection, at the end, whose energies are extrapolated to zero variance. */
const EXTRAPOLATED_SHARE = 1 / 2;

function headMean({ mean, heads, tokens }: AttentionMap): number[] {
  const pairs = tokens * tokens;
  return Array.from(
    { length: pairs },
    (_, pair) =>
      Array.from({ length: heads }, (_, head) => mean[head * pairs + pair]).reduce((a, b) => a + b, 0) / heads,
  );
}

/** Measures ρ and mean attention weights of every layer. */
async function look({ ansatz }: VariationalProblem, state: OptimizationState, { drawn }: Measurement): Promise<void> {
  const maps = await attentionMaps(ansatz, state.parameters, drawn);
  state.curves.dependence.push({ step: state.step, layers: maps.map(({ inputDependence }) => inputDependence) });
  state.maps = maps.map(headMean);
}

/**
 * The setting projected on all symmetries; undefined if it is already, if its last steps are a refinement, if that
 * projection excludes the ground state, or if it would take too long.
 */
function wholeOf(setting: OptimizationSetting): OptimizationSetting | undefined {
  const whole: OptimizationSetting = { ...setting, projection: "all" };
  const isLong = latticeOf(setting.extents).sites > MOST_PROJECTED_SITES;
  const isDone = setting.projection === "all" || setting.refinement > 0;
  return isDone || isLong || isOutside(whole) ? undefined : whole;
}

/** Steps with one projection. */
interface Stage {
  readonly problem: VariationalProblem;
  readonly sampler: Sampler;
  readonly evaluation: Evaluation;
  /** By step of the optimisation. */
  readonly rateOf: Schedule;
}

/** One optimisation, and its callback. */
export interface OptimizationPlan {
  readonly attention: AttentionName;
  readonly seed: number;
  readonly setting: OptimizationSetting;
  /** Whether the final energy is also measured with ψ projected on all symmetries. */
  readonly projects: boolean;
  /** Energy per site to compare with. */
  readonly reference: number | undefined;
  /** Called after every step with the run so far. */
  readonly follow: (run: WavefunctionRun) => Promise<void>;
}

/**
 * Optimises one wave function, and stores whenever a store is due. A resumed optimisation takes the same steps as an
 * uninterrupted one.
 */
export async function optimize(
  { attention, seed, setting, projects, reference, follow }: OptimizationPlan,
  work: Work<StoredOptimization>,
): Promise<WavefunctionRun> {
  const { extents, refinement, precision, samples, shift, momentum, longest } = setting;
  const { kind } = work.backend.device;
  const isHardware = kind === "hardware";
  const evaluationOf = (problem: VariationalProblem, own: OptimizationSetting): Evaluation =>
    isHardware ? onBackend(problem) : onThreads(problem, { attention, setting: own });
  if (kind === "software")
    work.report({ kind: "note", text: `A software adapter would take longer: the CPU computes this in ${precision}.` });
  const unrefined = problemOf(attention, setting);
  const state = begin(unrefined, setting, seed, isHardware ? work.backend : cpu);
  const stages = schedulesOf(setting).map((schedule, stage): Stage => {
    const own: OptimizationSetting = stage === 0 ? setting : { ...setting, projection: "space-group" };
    const problem = stage === 0 ? unrefined : problemOf(attention, own);
    const rateOf = cosineSchedule(schedule);
    return {
      problem,
      sampler: samplerOf(problem, own, state),
      evaluation: evaluationOf(problem, own),
      rateOf: (step) => rateOf(stage === 0 ? step : step - setting.steps),
    };
  });
  const [first, last] = [stages[0], stages[stages.length - 1]];
  const steps = setting.steps + refinement;
  const { sites } = unrefined.hamiltonian.lattice;
  const perSite = (value: number): number => value / sites;
  const { parameters, curves } = state;

  const perSiteOf = (energy: Statistics): Statistics => {
    return { ...energy, mean: perSite(energy.mean), error: perSite(energy.error) };
  };

  const stand = ({ energy }: Measurement, finished: boolean): WavefunctionRun => {
    // on a ring of a few sites every configuration has the same energy, and there is nothing to extrapolate
    const points = curves.energies
      .map((value, step) => ({ energy: value, variance: curves.variances[step] }))
      .slice(-Math.ceil((refinement > 0 ? refinement : steps) * EXTRAPOLATED_SHARE));
    return {
      ...curves,
      attention,
      seed,
      extents,
      parameters: countParameters(parameters),
      maps: state.maps,
      last: perSiteOf(energy),
      ...(finished && new Set(points.map(({ variance }) => variance)).size > 1
        ? { zeroVariance: zeroVarianceEnergy(points) }
        : {}),
      finished,
    };
  };

  const store = async (): Promise<void> => {
    const stored = await storedOf(state);
    // backends accept no diverged numbers: a resumed optimisation starts from the last finite ones and diverges again
    if (isFiniteTree(stored)) await work.store(stored);
  };

  try {
    if (work.state !== undefined) restore(state, work.state);
    while (state.step < steps) {
      const before = performance.now();
      const { problem, sampler, evaluation, rateOf } = state.step < setting.steps ? first : last;
      const isLookedAt = state.step % DEPENDENCE_EVERY === 0;
      const measured = (measurement: Measurement): Promise<void> =>
        isLookedAt ? look(problem, state, measurement) : Promise.resolve();
      const evaluated = await evaluation.of(parameters);
      const options = { samples, ...evaluated, rate: rateOf(state.step), shift, momentum, longest, measured };
      const {
        measurement,
        direction,
        shift: taken,
      } = await variationalStep(problem, parameters, sampler, state.direction, options);
      state.direction?.dispose();
      state.direction = direction;
      state.step++;
      if (taken > shift) curves.raisedShifts++;
      curves.seconds.push((performance.now() - before) / 1000);
      const { energy } = measurement;
      curves.energies.push(perSite(energy.mean));
      curves.errors.push(perSite(energy.error));
      curves.variances.push(energy.variance);
      const bar = energy.error > 0 ? ` ± ${perSite(energy.error).toFixed(5)}` : "";
      const off =
        reference === undefined
          ? ""
          : `, relative error ${Math.abs((perSite(energy.mean) - reference) / reference).toExponential(1)}`;
      const label = `${attention}, ${extents.join(" × ")}, seed ${seed}`;
      work.report({
        kind: "progress",
        label,
        done: state.step,
        total: steps,
        note: `energy ${perSite(energy.mean).toFixed(5)}${bar}${off}`,
      });
      await follow(stand(measurement, false));
      if (work.isDue()) await store();
      await work.checkpoint(store);
    }
    // measuring draws on: a stopped measurement is repeated from here
    const trained = await storedOf(state);
    const storeTrained = (): Promise<void> => (isFiniteTree(trained) ? work.store(trained) : Promise.resolve());
    const stoppable =
      (logAmplitude: LogAmplitude): LogAmplitude =>
      async (spins) => {
        await work.checkpoint(storeTrained);
        return logAmplitude(spins);
      };
    const draws = finalDrawsOf(setting) * samples;
    const { logAmplitude } = await last.evaluation.of(parameters);
    const final = await measure(last.problem, stoppable(logAmplitude), last.sampler, draws);
    await look(last.problem, state, final);
    const run = stand(final, true);
    const whole = wholeOf(setting);
    if (!projects || whole === undefined) return run;
    work.report({ kind: "note", text: "Measures the energy with ψ projected on all symmetries." });
    const symmetric = problemOf(attention, whole);
    const images = evaluationOf(symmetric, whole);
    try {
      const evaluated = await images.of(parameters);
      const { energy } = await measure(symmetric, stoppable(evaluated.logAmplitude), first.sampler, draws);
      return { ...run, projected: perSiteOf(energy) };
    } finally {
      await images.close();
    }
  } finally {
    disposeState(state);
    await Promise.all(stages.map(({ evaluation }) => evaluation.close()));
  }
}
