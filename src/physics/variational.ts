import { NonFiniteError, ShapeError } from "../core/errors.js";
import { anyNumber, callable, finite, having, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import { disposeTree, type Tensor } from "../core/tensor.js";
import { rememberedAmplitudes, rounded, type LogAmplitude } from "./amplitudes.js";
import { ansatzParameters, type Ansatz } from "./ansatz.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import type { ComplexNumbers } from "./complex.js";
import { hamiltonianKind, type Hamiltonian } from "./hamiltonian.js";
import { jacobianBlocks, type Jacobian } from "./jacobian.js";
import { localEnergies } from "./local-energy.js";
import { distinctRows, type Representatives } from "./orbits.js";
import { along, descend, problemInBlocks, springDirection, type LinearProblem } from "./reconfiguration.js";
import { probabilities, shares, type Sampler, type Samples } from "./sampler.js";
import { exactStatistics, statistics, type Statistics } from "./statistics.js";

/** A wave function, its Hamiltonian and how to draw from it. */
export interface VariationalProblem {
  readonly ansatz: Ansatz;
  readonly hamiltonian: Hamiltonian;
  /** Maps configurations to representatives under symmetries that leave ψ unchanged. */
  readonly represent?: Representatives;
}

const problemKind = having<VariationalProblem>("a problem, { ansatz, hamiltonian }", ["ansatz", "hamiltonian"]);

/**
 * Draws of a wave function, reduced to one image of each orbit, their local energies by distinct row, and the
 * statistics of the energy.
 */
export interface Measurement {
  /** The draws of the sampler. */
  readonly drawn: Samples;
  readonly samples: Samples;
  readonly local: ComplexNumbers;
  readonly energy: Statistics;
}

/** Replaces draws by one image of each orbit. */
function folded(drawn: Samples, sites: number, represent: Representatives | undefined): Samples {
  if (represent === undefined) return drawn;
  const orbits = distinctRows(represent(drawn.spins), sites);
  const samples = { ...drawn, spins: orbits.spins, order: drawn.order.map((row) => orbits.order[row]) };
  if (drawn.weights === undefined) return samples;
  const weights = new Float64Array(orbits.spins.length / sites);
  drawn.weights.forEach((weight, row) => (weights[orbits.order[row]] += weight));
  return { ...samples, weights };
}

/**
 * Draws `count` configurations of |ψ|² with `sampler`, and measures the energy of `problem`. `logAmplitude` gives
 * log ψ.
 *
 * @example
 * const { energy } = await measure({ ansatz: model, hamiltonian }, logAmplitude, sampler, 1024);
 */
export async function measure(
  problem: VariationalProblem,
  logAmplitude: LogAmplitude,
  sampler: Sampler,
  count: number,
): Promise<Measurement> {
  checkArguments(
    "measure",
    { problem, logAmplitude, sampler },
    { problem: problemKind, logAmplitude: callable, sampler: callable },
  );
  const { hamiltonian, represent } = problem;
  checkArguments("measure", { hamiltonian }, { hamiltonian: hamiltonianKind });
  const drawn = await sampler(logAmplitude, count);
  const { sites } = hamiltonian.lattice;
  const samples = folded(drawn, sites, represent);
  const local = await localEnergies(hamiltonian, samples.spins, logAmplitude);
  if (samples.weights !== undefined) return { drawn, samples, local, energy: exactStatistics(local, samples.weights) };
  const perDraw = (values: Float64Array): Float64Array => Float64Array.from(samples.order, (row) => values[row]);
  return {
    drawn,
    samples,
    local,
    energy: statistics({ re: perDraw(local.re), im: perDraw(local.im) }, samples.chains),
  };
}

/** Options of `variationalStep`. */
export interface StepOptions {
  readonly samples: number;
  /**
   * η. For small λ, δ changes ψ to (1 - 2η(H - E))ψ to first order: an excited state of energy E_n decays only
   * for η < 1/(E_n - E).
   */
  readonly rate: number;
  /** λ, added to the diagonal of the system. */
  readonly shift: number;
  /** μ of SPRING; 0 for plain stochastic reconfiguration. */
  readonly momentum: number;
  /** Called with the measurement before the parameters change. */
  readonly measured?: (measurement: Measurement) => Promise<void>;
  /**
   * The largest length of a step, rate · ‖X δ‖, in the Fubini-Study metric of states. Longer steps are shortened.
   * Default no limit.
   */
  readonly longest?: number;
  /**
   * log ψ of the present parameters, for draws and local energies. Default `rememberedAmplitudes` on their backend. A
   * software adapter spends most of the time of a sampler's small calls on starting them: copies on `cpu` are faster.
   */
  readonly logAmplitude?: LogAmplitude;
  /**
   * The Jacobian of the present parameters for these rows, in consecutive blocks on their backend. The step disposes of
   * it, and overwrites its numbers on the CPU. Default: computed there.
   */
  readonly derivatives?: (spins: Int8Array) => Promise<readonly Jacobian[]>;
}

const stepOptions: Kinds<StepOptions> = {
  samples: needed(whole(0)),
  rate: needed(finite),
  shift: needed(finite),
  momentum: needed(finite),
  measured: callable,
  longest: anyNumber,
  logAmplitude: callable,
  derivatives: callable,
};

/** How often the shift is raised tenfold if the system is not positive definite in the backend's arithmetic. */
const MOST_RAISES = 4;

/**
 * Solves with the first of shift, 10 shift, 100 shift, ... for which the system is positive definite. Returns the
 * direction and that shift.
 */
async function raisedDirection(
  system: LinearProblem,
  last: Tensor | undefined,
  momentum: number,
  shift: number,
): Promise<{ direction: Tensor; shift: number }> {
  for (let raises = 0; ; raises++) {
    const raised = shift * 10 ** raises;
    try {
      return { direction: await springDirection(system, last, momentum, { shift: raised }), shift: raised };
    } catch (error) {
      if (!(error instanceof NonFiniteError) || raises === MOST_RAISES) throw error;
    }
  }
}

/**
 * One step of stochastic reconfiguration for `problem`: changes `parameters` in place, by draws of `sampler`. Returns
 * the measurement before the step, its direction, and the shift used.
 *
 * @param last the direction of the step before, [P, 1]; undefined in the first step
 * @example
 * const options = { samples: 1024, rate: 0.05, shift: 1e-3, momentum: 0.9 };
 * let { direction } = await variationalStep(problem, parameters, sampler, undefined, options);
 * ({ direction } = await variationalStep(problem, parameters, sampler, direction, options));
 */
export async function variationalStep(
  problem: VariationalProblem,
  parameters: AnsatzParameters,
  sampler: Sampler,
  last: Tensor | undefined,
  options: StepOptions,
): Promise<{ measurement: Measurement; direction: Tensor; shift: number }> {
  checkArguments(
    "variationalStep",
    { problem, parameters, sampler },
    { problem: problemKind, parameters: ansatzParameters, sampler: callable },
  );
  const {
    samples: count,
    rate,
    shift: least,
    momentum,
    longest = Infinity,
    measured,
    logAmplitude = rememberedAmplitudes(problem.ansatz, parameters, problem.represent),
    derivatives: derivativesOf = (spins: Int8Array) =>
      Promise.resolve(jacobianBlocks(problem.ansatz, parameters, spins)),
  } = checkOptions("variationalStep", options, stepOptions);
  const { ansatz, hamiltonian } = problem;
  const measurement = await measure(problem, logAmplitude, sampler, count);
  await measured?.(measurement);
  const { samples, local } = measurement;
  const { sites } = hamiltonian.lattice;
  // Rows added by padding have weight 0.
  const spins = rounded(samples.spins, sites, ansatz.images);
  const padded = (values: Float64Array): Float64Array => {
    const longer = new Float64Array(spins.length / sites);
    longer.set(values);
    return longer;
  };
  const derivatives = await derivativesOf(spins);
  const given = derivatives.reduce((rows, { re }) => rows + re.shape[0], 0);
  if (given !== spins.length / sites)
    throw new ShapeError({
      where: "variationalStep",
      argument: "derivatives",
      wanted: `derivatives of ${spins.length / sites} rows`,
      got: `of ${given}`,
    });
  const energies = { re: padded(local.re), im: padded(local.im) };
  const system = problemInBlocks(derivatives, energies, padded(shares(samples, sites)));
  disposeTree(derivatives);
  const { direction, shift } = await raisedDirection(system, last, momentum, least);
  const way = along(system, direction);
  const distance = rate * Math.hypot(...(await way.read()));
  descend(parameters, direction, distance > longest ? (rate * longest) / distance : rate);
  for (const tensor of [...system.blocks, system.target, way]) tensor.dispose();
  return { measurement, direction, shift };
}

/**
 * ⟨ψ|H|ψ⟩ / ⟨ψ|ψ⟩ of `problem` by enumeration of the sector, for up to some twenty spins. `logAmplitude`
 * gives log ψ.
 *
 * @example
 * const energy = await enumeratedEnergy({ hamiltonian: heisenberg(chain(8)) }, logAmplitude);
 */
export async function enumeratedEnergy(
  problem: Pick<VariationalProblem, "hamiltonian">,
  logAmplitude: LogAmplitude,
): Promise<number> {
  checkArguments(
    "enumeratedEnergy",
    { problem, logAmplitude },
    { problem: having<typeof problem>("a problem, { hamiltonian }", ["hamiltonian"]), logAmplitude: callable },
  );
  const { hamiltonian } = problem;
  checkArguments("enumeratedEnergy", { hamiltonian }, { hamiltonian: hamiltonianKind });
  const { spins, weights } = await probabilities(hamiltonian.lattice.sites, logAmplitude);
  const { re } = await localEnergies(hamiltonian, spins, logAmplitude);
  return re.reduce((total, value, row) => total + weights[row] * value, 0);
}
