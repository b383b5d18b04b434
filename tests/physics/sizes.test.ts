import { describe, expect, it } from "vitest";
import { ArgumentError, cpu, random, ShapeError, softmax, UnsupportedError } from "../../src/index.js";
import {
  ansatz,
  chain,
  dimerState,
  exactSampler,
  groundState,
  heisenberg,
  metropolisSampler,
  patches,
  randomChains,
  sector,
  sectorDimension,
  shastrySutherlandDimers,
  shiftsWithin,
  spinFlip,
  square,
  summation,
  translations,
  type Lattice,
} from "../../src/physics/index.js";

const odd: readonly Lattice[] = [chain(3), chain(7), square(3), square(5, 3)];
const needSector: Readonly<Record<string, (lattice: Lattice) => unknown>> = {
  sector: ({ sites }) => sector(sites),
  sectorDimension: ({ sites }) => sectorDimension(sites),
  groundState: (lattice) => groundState(heisenberg(lattice)),
  exactSampler: ({ sites }) => exactSampler(sites, random(1)),
  summation: ({ sites }) => summation(sites),
  randomChains: (lattice) => randomChains(lattice, 4, random(1)),
  metropolisSampler: (lattice) => metropolisSampler(lattice, random(1)),
  "metropolisSampler of chains of one's own": (lattice) =>
    metropolisSampler(lattice, random(1), { chains: 2, current: new Int8Array(2 * lattice.sites).fill(1) }),
};

describe.each(Object.entries(needSector))("%s", (_name, make) => {
  it("refuses an odd number of sites, which has no S^z = 0", () => {
    for (const lattice of odd) {
      expect(() => make(lattice)).toThrow(ArgumentError);
      expect(() => make(lattice)).toThrow(/sites: wanted an even number of spins/);
    }
  });
});

it.each([
  ["summation", summation],
  ["exactSampler", (sites: number) => exactSampler(sites, random(1))],
])("%s refuses more spins than can be enumerated, when it is made", (_name, make) => {
  expect(() => make(32)).toThrow(UnsupportedError);
});

describe("Metropolis chains", () => {
  const up = (count: number, sites: number): number[] =>
    Array.from({ length: sites }, (_, site) => (site < count ? 1 : -1));

  it("of one's own must have as many spins up as down, each of them", () => {
    const make =
      (spins: readonly number[], chains = 2) =>
      () =>
        metropolisSampler(chain(6), random(1), { chains, current: Int8Array.from(spins) });
    expect(make([...up(3, 6), ...up(3, 6)])).not.toThrow();
    expect(make([...up(3, 6), ...up(4, 6)])).toThrow(
      /current: wanted as many spins up as down, got a chain 1 whose spins sum to 2/,
    );
    // Together as many up as down.
    expect(make([...up(2, 6), ...up(4, 6)])).toThrow(/chain 0 whose spins sum to -2/);
    expect(make(up(3, 6))).toThrow(/current: wanted 2 chains of 6 spins, 12 in all, got 6/);
    expect(make([...up(3, 6), 2, -2, 0, 0, 0, 0])).toThrow(/spins 1 and -1, got 2 in chain 1/);
  });

  it.each([
    ["chains", 0],
    ["chains", 1.5],
    ["chains", NaN],
    ["sweep", 0],
    ["sweep", -1],
    ["burnIn", -1],
    ["burnIn", Infinity],
  ])("refuse %s of %d", (argument, count) => {
    expect(() => metropolisSampler(chain(6), random(1), { [argument]: count })).toThrow(
      new RegExp(`metropolisSampler: ${argument}: wanted a whole number`),
    );
  });

  it("stay in the sector on every even lattice", async () => {
    const flat = async (spins: Int8Array, sites: number) => ({
      re: new Float64Array(spins.length / sites),
      im: new Float64Array(spins.length / sites),
    });
    for (const lattice of [chain(2), chain(6), square(3, 2), square(4)]) {
      const { spins } = await metropolisSampler(lattice, random(2), { chains: 3 })(
        (rows) => flat(rows, lattice.sites),
        12,
      );
      for (let row = 0; row < spins.length; row += lattice.sites)
        expect(spins.subarray(row, row + lattice.sites).reduce((a, b) => a + b, 0)).toBe(0);
    }
  });
});

describe("widths of patches", () => {
  const cut: Readonly<Record<string, (lattice: Lattice, width: number) => unknown>> = {
    patches,
    translations,
    shiftsWithin,
    ansatz: (lattice, patch) => ansatz({ lattice, kernel: softmax(), patch, width: 4, heads: 1, layers: 1 }),
  };
  it.each(Object.entries(cut))("%s refuses those that divide no extent, or one alone", (_name, make) => {
    const wrong: readonly (readonly [Lattice, number])[] = [
      [chain(5), 2],
      [square(5), 2],
      [square(4, 6), 3],
      [square(4), 3],
      [chain(4), 8],
      [chain(4), 0],
      [chain(4), -2],
      [chain(4), 0.5],
      [chain(4), NaN],
    ];
    for (const [lattice, width] of wrong) {
      expect(() => make(lattice, width)).toThrow(ArgumentError);
      expect(() => make(lattice, width)).toThrow(/wanted a (divisor of the extents|whole number)/);
    }
    for (const width of [1, 2, 4]) expect(() => make(square(4), width)).not.toThrow();
  });

  it("of which the default fits no cluster of odd extents", () => {
    expect(() => ansatz({ lattice: square(3), kernel: softmax(), width: 4, heads: 1, layers: 1 })).toThrow(
      /patches: b: wanted a divisor of the extents \[3, 3\], got 2/,
    );
  });
});

describe("spins of another cluster", () => {
  it("are refused by an ansatz, also where their images would fill rows", () => {
    const model = ansatz({
      lattice: chain(8),
      kernel: softmax(),
      width: 4,
      heads: 1,
      layers: 1,
      projection: { elements: spinFlip(chain(8)), characters: [1, 1] },
    });
    expect(() => model.tokens(cpu, new Int8Array(4).fill(1))).toThrow(ShapeError);
    const parameters = model.initialize(cpu, random(1));
    expect(() => model.weights(parameters, new Int8Array(12).fill(1))).toThrow(
      /ansatz: spins: wanted rows of 8 spins, got \[12\]/,
    );
  });

  it("are refused in a projection", () => {
    const make = () =>
      ansatz({
        lattice: chain(8),
        kernel: softmax(),
        width: 4,
        heads: 1,
        layers: 1,
        projection: { elements: spinFlip(chain(4)), characters: [1, 1] },
      });
    expect(make).toThrow(/ansatz: projection: wanted symmetries of 8 sites, got one of 4/);
  });

  it("are refused by the dimer state, and lattices without dimers", async () => {
    await expect(dimerState(cpu, square(4))(new Int8Array(18).fill(1))).rejects.toThrow(
      /dimerState: spins: wanted rows of 16 spins, got \[18\]/,
    );
    for (const lattice of [...odd, square(2), square(4, 6 + 1)]) {
      expect(() => shastrySutherlandDimers(lattice)).toThrow(ArgumentError);
      expect(() => dimerState(cpu, lattice)).toThrow(ArgumentError);
    }
  });
});
