import { callable } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import type { LogAmplitude } from "./amplitudes.js";
import { complex, type ComplexNumbers } from "./complex.js";
import { hamiltonianKind, type Hamiltonian } from "./hamiltonian.js";
import { spinsKind } from "./sector.js";

/**
 * E_loc(σ) = Σ_σ' H_σσ' ψ(σ') / ψ(σ) of `hamiltonian` for rows of `spins` ±1 [rows, sites], with log ψ from
 * `logAmplitude`. A bond of parallel spins adds J/4. A bond of antiparallel spins adds -J/4, and J/2 times its sign and
 * the ratio of amplitudes after and before an exchange. For an eigenstate, E_loc is its energy in every configuration.
 *
 * @example
 * const { re, im } = await localEnergies(heisenberg(square(4)), spins, logAmplitude); // [rows] each
 */
export async function localEnergies(
  hamiltonian: Hamiltonian,
  spins: Int8Array,
  logAmplitude: LogAmplitude,
): Promise<ComplexNumbers> {
  checkArguments(
    "localEnergies",
    { hamiltonian, spins, logAmplitude },
    { hamiltonian: hamiltonianKind, spins: spinsKind, logAmplitude: callable },
  );
  const {
    lattice: { sites },
    bonds,
  } = hamiltonian;
  const rows = spins.length / sites;
  const energies = { re: new Float64Array(rows), im: new Float64Array(rows) };
  const exchanges: { row: number; i: number; j: number; element: number }[] = [];
  for (let row = 0; row < rows; row++) {
    const at = row * sites;
    for (const { i, j, coupling, sign = 1 } of bonds) {
      const parallel = spins[at + i] === spins[at + j];
      energies.re[row] += (parallel ? 1 : -1) * (coupling / 4);
      if (!parallel) exchanges.push({ row, i, j, element: (sign * coupling) / 2 });
    }
  }
  const connected = new Int8Array(exchanges.length * sites);
  exchanges.forEach(({ row, i, j }, index) => {
    const at = index * sites;
    connected.set(spins.subarray(row * sites, (row + 1) * sites), at);
    [connected[at + i], connected[at + j]] = [connected[at + j], connected[at + i]];
  });
  const own = await logAmplitude(spins);
  checkArguments("logAmplitude", { amplitudes: own }, { amplitudes: complex });
  const others = await logAmplitude(connected);
  exchanges.forEach(({ row, element }, index) => {
    const size = element * Math.exp(others.re[index] - own.re[row]);
    const turn = others.im[index] - own.im[row];
    energies.re[row] += size * Math.cos(turn);
    energies.im[row] += size * Math.sin(turn);
  });
  return energies;
}
