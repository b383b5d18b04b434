import { tridiagonalEigen } from "../analysis/tridiagonal.js";
import { NonFiniteError, UnsupportedError } from "../core/errors.js";
import { positive, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { random } from "../core/random.js";
import { hamiltonianKind, type Hamiltonian } from "./hamiltonian.js";
import { sector, sectorDimension, type Sector } from "./sector.js";

/** Writes H x into y, in the basis of a sector. */
export function applyHamiltonian({ bonds }: Hamiltonian, { states, rank }: Sector, x: Float64Array, y: Float64Array): void {
  y.fill(0);
  const pairs = bonds.map(({ i, j, coupling }) => ({ mask: ((1 << i) | (1 << j)) >>> 0, coupling }));
  for (let index = 0; index < states.length; index++) {
    const state = states[index];
    let diagonal = 0;
    for (const { mask, coupling } of pairs) {
      const both = (state & mask) >>> 0;
      if (both === 0 || both === mask) diagonal += coupling / 4;
      else {
        diagonal -= coupling / 4;
        y[rank((state ^ mask) >>> 0)] += (coupling / 2) * x[index];
      }
    }
    y[index] += diagonal * x[index];
  }
}

export interface GroundStateOptions {
  /** Wanted norm of H v - E v. Default 1e-10. */
  readonly tolerance?: number;
  /** Bytes that may be used. Default 2 GiB. */
  readonly memory?: number;
  readonly seed?: number;
}

export interface GroundState {
  readonly sector: Sector;
  /** Of the whole lattice, in units of the couplings. */
  readonly energy: number;
  /** Normalised, over the sector's states. */
  readonly amplitudes: Float64Array;
  /** ‖H v - E v‖ */
  readonly residual: number;
}

const GIBIBYTE = 2 ** 30;
/** The states' patterns, and three vectors of float64 numbers: two of Lanczos and the eigenvector. */
const BYTES_A_STATE = 4 + 3 * 8;
const MOST_STEPS = 400;
/** How often the small eigenproblem is solved. */
const CHECK_EVERY = 5;

function norm(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

/** Lowest eigenvalue and eigenvector of the tridiagonal matrix of Lanczos. */
function lowest(alphas: readonly number[], betas: readonly number[]): { energy: number; vector: number[] } {
  const { values, vectors } = tridiagonalEigen(alphas, betas);
  const best = values.indexOf(Math.min(...values));
  return { energy: values[best], vector: vectors.getColumn(best) };
}

/** One run of Lanczos from a seeded vector; `visit` sees every normalised vector and says whether to go on. */
function lanczos(hamiltonian: Hamiltonian, space: Sector, seed: number, visit: (vector: Float64Array, alpha: number, beta: number) => boolean): void {
  let previous: Float64Array = new Float64Array(space.dimension);
  let current: Float64Array = random(seed).normals(space.dimension);
  const scale = norm(current);
  current.forEach((value, index) => (current[index] = value / scale));
  let product: Float64Array = new Float64Array(space.dimension);
  for (let beta = 0; ; ) {
    applyHamiltonian(hamiltonian, space, current, product);
    const alpha = current.reduce((sum, value, index) => sum + value * product[index], 0);
    for (let index = 0; index < product.length; index++) product[index] -= alpha * current[index] + beta * previous[index];
    beta = norm(product);
    if (!visit(current, alpha, beta) || beta === 0) return;
    for (let index = 0; index < product.length; index++) product[index] /= beta;
    [previous, current, product] = [current, product, previous];
  }
}

/**
 * The ground state in the sector S^z = 0 by Lanczos: a first run finds the energy, a second one from the same start sums the vector, so that
 * no more than four vectors are held. Throws an `UnsupportedError` that names the memory a lattice too large would need.
 */
export function groundState(hamiltonian: Hamiltonian, options: GroundStateOptions = {}): GroundState {
  checkArguments("groundState", { hamiltonian }, { hamiltonian: hamiltonianKind });
  const { tolerance = 1e-10, memory = 2 * GIBIBYTE, seed = 1 } = checkOptions("groundState", options, { tolerance: positive, memory: positive, seed: wholeNumber });
  const { sites } = hamiltonian.lattice;
  const needed = sectorDimension(sites) * (BYTES_A_STATE + 8);
  if (needed > memory) {
    throw new UnsupportedError({
      where: "groundState",
      argument: "hamiltonian",
      wanted: `a lattice whose sector fits ${(memory / GIBIBYTE).toFixed(1)} GiB`,
      got: `${sites} sites, ${sectorDimension(sites).toExponential(2)} states, which need ${(needed / GIBIBYTE).toPrecision(3)} GiB`,
      fix: "Take a smaller lattice, or raise `memory`.",
    });
  }
  const space = sector(sites);
  const [alphas, betas]: [number[], number[]] = [[], []];
  let coefficients: number[] = [];
  lanczos(hamiltonian, space, seed, (_, alpha, beta) => {
    alphas.push(alpha);
    betas.push(beta);
    const last = alphas.length === MOST_STEPS || alphas.length === space.dimension || beta < tolerance;
    if (!last && alphas.length % CHECK_EVERY !== 0) return true;
    coefficients = lowest(alphas, betas).vector;
    return !last && beta * Math.abs(coefficients[coefficients.length - 1]) > tolerance / 4;
  });
  const amplitudes = new Float64Array(space.dimension);
  let step = 0;
  lanczos(hamiltonian, space, seed, (vector) => {
    const share = coefficients[step];
    for (let index = 0; index < vector.length; index++) amplitudes[index] += share * vector[index];
    return ++step < coefficients.length;
  });
  const length = norm(amplitudes);
  for (let index = 0; index < amplitudes.length; index++) amplitudes[index] /= length;
  const image = new Float64Array(space.dimension);
  applyHamiltonian(hamiltonian, space, amplitudes, image);
  const energy = image.reduce((sum, value, index) => sum + value * amplitudes[index], 0);
  const residual = norm(image.map((value, index) => value - energy * amplitudes[index]));
  if (!(residual <= tolerance)) {
    throw new NonFiniteError({
      where: "groundState",
      wanted: `a residual of at most ${tolerance}`,
      got: `${residual} after ${alphas.length} steps`,
      fix: "Raise `tolerance`, or take another `seed`.",
    });
  }
  return { sector: space, energy, amplitudes, residual };
}
