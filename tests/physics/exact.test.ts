import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { cpu, ops } from "../../src/index.js";
import { applyHamiltonian, groundState } from "../../src/physics/exact.js";
import {
  heisenberg,
  shastrySutherland,
  shastrySutherlandDimers,
  type Hamiltonian,
} from "../../src/physics/hamiltonian.js";
import type { ComplexNumbers } from "../../src/physics/complex.js";
import { localEnergies } from "../../src/physics/local-energy.js";
import { chain, nearestNeighbours, nextNearestNeighbours, patches, square } from "../../src/physics/lattice.js";
import { sector, spinsOf } from "../../src/physics/sector.js";
import { logProjection } from "../../src/physics/logarithms.js";
import { imagesOf, pointGroup, productOf, spinFlip, translations } from "../../src/physics/symmetry.js";

/** S_i·S_j by Kronecker products of 2 × 2 matrices on the whole space, without sectors or bit patterns. */
function denseHamiltonian({ lattice, bonds }: Hamiltonian): Matrix {
  const spin = {
    z: new Matrix([
      [-0.5, 0],
      [0, 0.5],
    ]),
    raise: new Matrix([
      [0, 0],
      [1, 0],
    ]),
    lower: new Matrix([
      [0, 1],
      [0, 0],
    ]),
  };
  const on = (operators: ReadonlyMap<number, Matrix>): Matrix =>
    Array.from({ length: lattice.sites }, (_, site) => operators.get(lattice.sites - 1 - site) ?? Matrix.eye(2)).reduce(
      (a, b) => a.kroneckerProduct(b),
    );
  const size = 2 ** lattice.sites;
  const matrix = Matrix.zeros(size, size);
  for (const { i, j, coupling } of bonds) {
    matrix.add(
      on(
        new Map([
          [i, spin.z],
          [j, spin.z],
        ]),
      ).mul(coupling),
    );
    for (const [a, b] of [
      [spin.raise, spin.lower],
      [spin.lower, spin.raise],
    ])
      matrix.add(
        on(
          new Map([
            [i, a],
            [j, b],
          ]),
        ).mul(coupling / 2),
      );
  }
  return matrix;
}

describe("lattices", () => {
  it("have the neighbours of the torus, every pair once", () => {
    expect([nearestNeighbours(square(4)).length, nextNearestNeighbours(square(4)).length]).toEqual([32, 32]);
    expect([nearestNeighbours(square(6)).length, nextNearestNeighbours(square(6)).length]).toEqual([72, 72]);
    expect(nearestNeighbours(chain(4))).toHaveLength(4);
    expect(nextNearestNeighbours(chain(4))).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(nearestNeighbours(chain(2))).toEqual([[0, 1]]);
  });

  it("cut into patches", () => {
    expect(patches(square(4), 2)).toMatchObject({
      extents: [2, 2],
      sites: [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
      ],
    });
    expect(patches(chain(6), 3).sites).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(() => patches(square(4), 3)).toThrow(/patches: b: wanted a divisor of the extents \[4, 4\], got 3/);
    expect(() => chain(1)).toThrow(/chain: extent/);
  });

  it("have a partner for every site of the Shastry-Sutherland lattice", () => {
    for (const lattice of [square(4), square(6, 4)]) {
      expect(
        shastrySutherlandDimers(lattice)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: lattice.sites }, (_, site) => site));
    }
    expect(() => shastrySutherlandDimers(chain(4))).toThrow(/even extents/);
  });
});

describe("the ground state", () => {
  it.each([
    [0, -0.7017802005],
    [0.5, -0.5286202095],
    [0.8, -0.627335104],
  ])("of the 4 × 4 lattice at J2 = %f", (j2, energy) => {
    const found = groundState(heisenberg(square(4), { j2 }));
    expect(Math.abs(found.energy / 16 - energy)).toBeLessThan(1e-9);
  });

  it.each([4, 6, 8])("of a chain of %i sites agrees with dense diagonalisation", (length) => {
    for (const j2 of [0, 0.3]) {
      const hamiltonian = heisenberg(chain(length), { j2 });
      const dense = new EigenvalueDecomposition(denseHamiltonian(hamiltonian), { assumeSymmetric: true })
        .realEigenvalues;
      expect(Math.abs(groundState(hamiltonian).energy - Math.min(...dense))).toBeLessThan(1e-10);
    }
  });

  it.each([
    [chain(8), 0],
    [chain(6), 0],
    [square(4, 2), 0],
    [chain(8), 1],
  ])("has the same energy in the basis of Marshall's rule, and without J2 one sign", async (lattice, j2) => {
    const hamiltonian = heisenberg(lattice, { j2, marshall: true });
    const { energy, amplitudes } = groundState(hamiltonian);
    expect(Math.abs(energy - groundState(heisenberg(lattice, { j2 })).energy)).toBeLessThan(1e-9);
    const isPositive = amplitudes.every((value) => value * Math.sign(amplitudes[0]) > 0);
    expect(isPositive).toBe(j2 === 0);
    const { states, rank } = sector(lattice.sites);
    const of = (spins: Int8Array): Promise<ComplexNumbers> => {
      const rows = Array.from({ length: spins.length / lattice.sites }, (_, row) =>
        spins
          .subarray(row * lattice.sites, (row + 1) * lattice.sites)
          .reduce((bits, spin, site) => bits + (spin > 0 ? 2 ** site : 0), 0),
      );
      const values = rows.map((bits) => amplitudes[rank(bits)]);
      const re = Float64Array.from(values, (value) => Math.log(Math.abs(value)));
      return Promise.resolve({ re, im: Float64Array.from(values, (value) => (value < 0 ? Math.PI : 0)) });
    };
    const likely = states.filter((_, at) => Math.abs(amplitudes[at]) > 1e-2);
    const { re, im } = await localEnergies(hamiltonian, spinsOf(likely, lattice.sites), of);
    expect(Math.max(...re.map((value) => Math.abs(value - energy)))).toBeLessThan(1e-6);
    expect(Math.max(...im.map(Math.abs))).toBeLessThan(1e-6);
  });

  it("has no sign rule of Marshall on an odd extent", () => {
    expect(() => heisenberg(square(4, 3), { marshall: true })).toThrow(/heisenberg: marshall.*extent of 3/);
    expect(heisenberg(square(4, 3)).bonds.every(({ sign }) => sign === undefined)).toBe(true);
  });

  it("is refused with the memory it would need", () => {
    expect(() => groundState(heisenberg(square(6)))).toThrow(/36 sites, 9.08e\+9 states, which need \d+ GiB/);
    expect(() => sector(36)).toThrow(/at most 30 spins/);
    expect(() => groundState(heisenberg(chain(5)))).toThrow(/even number of spins/);
  });

  it("of the Shastry-Sutherland model is the product of singlets where dimers win", () => {
    expect(groundState(shastrySutherland(square(4), { inter: 0.4 })).energy / 16).toBeCloseTo(-3 / 8, 10);
  });
});

describe("the sector", () => {
  it("ranks its states", () => {
    const { states, rank, dimension } = sector(10);
    expect(Array.from(states, rank)).toEqual(Array.from({ length: dimension }, (_, index) => index));
    expect(spinsOf(states, 10).reduce((sum, spin) => sum + spin, 0)).toBe(0);
  });
});

describe("symmetries", () => {
  const lattice = chain(8);
  const hamiltonian = heisenberg(lattice, { j2: 0.3 });
  const space = sector(8);
  const group = productOf(productOf(translations(lattice), pointGroup(lattice)), spinFlip(lattice));
  const patternOf = (spins: Int8Array, row: number): number =>
    Array.from({ length: 8 }, (_, site) => (spins[row * 8 + site] > 0 ? 2 ** site : 0)).reduce((a, b) => a + b);
  const spins = spinsOf(space.states, 8);

  it("leave the ground state as it is, and a projection of any state commutes with H", async () => {
    expect(group).toHaveLength(32);
    const { amplitudes, energy } = groundState(hamiltonian);
    const images = imagesOf(spins, group);
    const logs = { re: new Float64Array(images.length / 8), im: new Float64Array(images.length / 8) };
    // A state without symmetry: the ground state, disturbed where the first spin points up.
    const disturbed = amplitudes.map((value, index) => (space.states[index] & 1 ? 1.3 * value : value));
    logs.re.forEach((_, row) => {
      const value = disturbed[space.rank(patternOf(images, row))];
      logs.re[row] = Math.log(Math.abs(value));
      logs.im[row] = value < 0 ? Math.PI : 0;
    });
    // Images come element by element; log ψ of the images of a configuration is a row.
    const rowsOf = (values: Float64Array) => ops.permute(cpu.tensor(values, [group.length, space.dimension]), [1, 0]);
    const found = logProjection(
      { re: rowsOf(logs.re), im: rowsOf(logs.im) },
      group.map(() => 1),
    );
    const [re, im] = [await found.re.read(), await found.im.read()];
    const projected = Float64Array.from(re, (size, row) => Math.exp(size) * Math.cos(im[row]));
    const image = new Float64Array(space.dimension);
    applyHamiltonian(hamiltonian, space, projected, image);
    const wrong = image.reduce(
      (worst, value, index) => Math.max(worst, Math.abs(value - energy * projected[index])),
      0,
    );
    expect(wrong).toBeLessThan(1e-9);
    applyHamiltonian(hamiltonian, space, disturbed, image);
    expect(
      image.reduce((worst, value, index) => Math.max(worst, Math.abs(value - energy * disturbed[index])), 0),
    ).toBeGreaterThan(1e-3);
  });

  it("of a square are translations, eight turns and reflections, and the flip, all different", () => {
    const all = productOf(productOf(translations(square(6)), pointGroup(square(6))), spinFlip(square(6)));
    expect(new Set(all.map(({ sites, flip }) => `${sites.join()} ${flip}`)).size).toBe(36 * 8 * 2);
    expect(translations(square(6), 2)).toHaveLength(9);
    expect(() => translations(square(6), 4)).toThrow(/translations: step/);
  });

  it("project to nothing where the character is the wrong one", async () => {
    const pair = spinFlip(chain(2));
    const singlet = { re: cpu.tensor([0, 0], [1, 2]), im: cpu.tensor([0, Math.PI], [1, 2]) };
    expect(pair).toHaveLength(2);
    expect((await logProjection(singlet, [1, -1]).re.read())[0]).toBe(0);
    expect((await logProjection(singlet, [1, 1]).re.read())[0]).toBeLessThan(-30);
    expect(() => logProjection(singlet, [1])).toThrow(/wanted 2, one an element, got 1/);
  });
});
