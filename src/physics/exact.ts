import { NonFiniteError, UnsupportedError } from "../core/errors.js";
import { positive, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { random } from "../core/random.js";
import { extend, krylov, ritzPairs, type Krylov } from "../numerics/lanczos.js";
import { dot, norm } from "../numerics/vectors.js";
import { hamiltonianKind, type Hamiltonian } from "./hamiltonian.js";
import { sector, sectorDimension, type Sector } from "./sector.js";

/** Writes H x into y, in the basis of a sector. */
export function applyHamiltonian(
  { bonds }: Hamiltonian,
  { states, rank }: Sector,
  x: Float64Array,
  y: Float64Array,
): void {
  y.fill(0);
  const pairs = bonds.map(({ i, j, coupling, sign = 1 }) => ({
    mask: ((1 << i) | (1 << j)) >>> 0,
    coupling,
    exchange: (sign * coupling) / 2,
  }));
  for (let index = 0; index < states.length; index++) {
    const state = states[index];
    let diagonal = 0;
    for (const { mask, coupling, exchange } of pairs) {
      const both = (state & mask) >>> 0;
      if (both === 0 || both === mask) diagonal += coupling / 4;
      else {
        diagonal -= coupling / 4;
        y[rank((state ^ mask) >>> 0)] += exchange * x[index];
      }
    }
    y[index] += diagonal * x[index];
  }
}

/** Options of `groundState`. */
export interface GroundStateOptions {
  /** Wanted norm of H v - E v. Default 1e-10. */
  readonly tolerance?: number;
  /** Bytes that may be used. Default 2 GiB. */
  readonly memory?: number;
  readonly seed?: number;
}

/** The lowest state of a Hamiltonian in its sector. */
export interface GroundState {
  readonly sector: Sector;
  /** The energy of the whole lattice, in units of the couplings. */
  readonly energy: number;
  /** Normalised, over the sector's states. */
  readonly amplitudes: Float64Array;
  /** ‖H v - E v‖ */
  readonly residual: number;
}

const GIBIBYTE = 2 ** 30;
/** A state's pattern and its number in four float64 vectors: three of Lanczos, and the eigenvector. */
const BYTES_A_STATE = 4 + 4 * 8;
const MOST_STEPS = 400;
/** Steps between two solutions of the small eigenproblem. */
const CHECK_EVERY = 5;

/**
 * The ground state of `hamiltonian` in the sector S^z = 0 by Lanczos. A first run finds the coefficients of the vector,
 * a second run from the same start sums the vector, so that at most four vectors are in memory. Throws an
 * `UnsupportedError` with the required memory if a lattice is too large.
 */
export function groundState(hamiltonian: Hamiltonian, options: GroundStateOptions = {}): GroundState {
  checkArguments("groundState", { hamiltonian }, { hamiltonian: hamiltonianKind });
  const {
    tolerance = 1e-10,
    memory = 2 * GIBIBYTE,
    seed = 1,
  } = checkOptions("groundState", options, { tolerance: positive, memory: positive, seed: wholeNumber });
  const { sites } = hamiltonian.lattice;
  const needed = sectorDimension(sites) * BYTES_A_STATE;
  if (needed > memory) {
    throw new UnsupportedError({
      where: "groundState",
      argument: "hamiltonian",
      wanted: `a lattice whose sector fits ${(memory / GIBIBYTE).toFixed(1)} GiB`,
      got:
        `${sites} sites, ${sectorDimension(sites).toExponential(2)} states, which need ` +
        `${(needed / GIBIBYTE).toPrecision(3)} GiB`,
      fix: "Take a smaller lattice, or raise `memory`.",
    });
  }
  const space = sector(sites);
  const image = new Float64Array(space.dimension);
  const begin = (): Krylov => {
    const start = random(seed).normals(space.dimension);
    const scale = norm(start);
    return krylov(
      start.map((value) => value / scale),
      false,
    );
  };
  const advance = (run: Krylov): void => {
    applyHamiltonian(hamiltonian, space, run.vectors[1], image);
    extend(run, image);
  };
  const first = begin();
  let coefficients: number[] | undefined;
  while (coefficients === undefined) {
    advance(first);
    const steps = first.diagonal.length;
    const last = steps === MOST_STEPS || steps === space.dimension || first.beside[steps - 1] < tolerance;
    if (!last && steps % CHECK_EVERY !== 0) continue;
    const ritz = ritzPairs(first);
    const lowest = ritz.values.indexOf(Math.min(...ritz.values));
    if (last || !(ritz.residuals[lowest] > tolerance / 4)) coefficients = ritz.coefficients.getColumn(lowest);
  }
  const second = begin();
  const amplitudes = new Float64Array(space.dimension);
  coefficients.forEach((share, step) => {
    if (step > 0) advance(second);
    const [, vector] = second.vectors;
    for (let index = 0; index < vector.length; index++) amplitudes[index] += share * vector[index];
  });
  const length = norm(amplitudes);
  for (let index = 0; index < amplitudes.length; index++) amplitudes[index] /= length;
  applyHamiltonian(hamiltonian, space, amplitudes, image);
  const energy = dot(image, amplitudes);
  const residual = norm(image.map((value, index) => value - energy * amplitudes[index]));
  if (!(residual <= tolerance)) {
    throw new NonFiniteError({
      where: "groundState",
      wanted: `a residual of at most ${tolerance}`,
      got: `${residual} after ${coefficients.length} steps`,
      fix: "Raise `tolerance`, or take another `seed`.",
    });
  }
  return { sector: space, energy, amplitudes, residual };
}
