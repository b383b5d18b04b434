import { describe, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { dimerState, dimerWeights } from "../../src/physics/dimer-state.js";
import { heisenberg, shastrySutherland, shastrySutherlandDimers } from "../../src/physics/hamiltonian.js";
import { square } from "../../src/physics/lattice.js";
import { localEnergies } from "../../src/physics/local-energy.js";
import { sector, spinsOf } from "../../src/physics/sector.js";
import { enumeratedEnergy } from "../../src/physics/variational.js";

const lattice = square(4);
const state = dimerState(cpu, lattice);

describe("the dimer state as factored attention", () => {
  it.each([0, 0.65])("has the exact energy of the Shastry-Sutherland model with %f between dimers", async (inter) => {
    const energy = await enumeratedEnergy({ hamiltonian: shastrySutherland(lattice, { dimer: 1, inter }) }, state);
    expect(Math.abs(energy / 16 + 3 / 8)).toBeLessThan(1e-10);
  });

  it("has one local energy in every configuration of antiparallel dimers, and only there any weight", async () => {
    const spins = spinsOf(sector(16).states, 16);
    const { re } = await state(spins);
    const dimers = shastrySutherlandDimers(lattice);
    const rows = Array.from(re.keys()).filter((row) =>
      dimers.every(([i, j]) => spins[row * 16 + i] !== spins[row * 16 + j]),
    );
    expect(rows).toHaveLength(2 ** 8);
    expect(rows.every((row) => re[row] === 0)).toBe(true);
    // S^z = 0 needs two parallel dimers at least
    expect(re.filter((value) => value > -79 && value < 0)).toHaveLength(0);
    const kept = Int8Array.from(rows.flatMap((row) => Array.from(spins.subarray(row * 16, (row + 1) * 16))));
    const local = await localEnergies(shastrySutherland(lattice, { inter: 0.5 }), kept, state);
    for (const value of local.re) expect(Math.abs(value + 6)).toBeLessThan(1e-10);
    // Couplings between nearest neighbours cancel on every triangle; those along all diagonals do not.
    const other = await localEnergies(heisenberg(lattice, { j2: 0.5 }), kept, state);
    expect(Math.max(...other.re) - Math.min(...other.re)).toBeGreaterThan(1);
  });

  it("has weights that pair the sites", () => {
    const weights = dimerWeights(lattice);
    for (let site = 0; site < 16; site++)
      expect(weights.slice(16 * site, 16 * (site + 1)).reduce((a, b) => a + b)).toBe(1);
  });
});
