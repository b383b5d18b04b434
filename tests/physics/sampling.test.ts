import { describe, expect, it } from "vitest";
import { cpu, factored, random, relativePosition } from "../../src/index.js";
import { rememberedAmplitudes, type LogAmplitude } from "../../src/physics/amplitudes.js";
import { ansatz } from "../../src/physics/ansatz.js";
import { groundState } from "../../src/physics/exact.js";
import { heisenberg } from "../../src/physics/hamiltonian.js";
import { chain, square } from "../../src/physics/lattice.js";
import { attentionMaps } from "../../src/physics/input-dependence.js";
import { localEnergies } from "../../src/physics/local-energy.js";
import { keysOf, representativesOf } from "../../src/physics/orbits.js";
import {
  exactSampler,
  metropolisSampler,
  probabilities,
  randomChains,
  shares,
  summation,
  type Samples,
} from "../../src/physics/sampler.js";
import { sector as sectorOf, spinsOf } from "../../src/physics/sector.js";
import { exactStatistics, statistics, zeroVarianceEnergy } from "../../src/physics/statistics.js";
import { pointGroup, productOf, spinFlip, translations } from "../../src/physics/symmetry.js";

const lattice = chain(8);
const hamiltonian = heisenberg(lattice, { j2: 0.3 });
const { sector, amplitudes, energy } = groundState(hamiltonian);
const places = new Map<unknown, number>(
  keysOf(spinsOf(sector.states, 8), 8).map((key, index) => [key, amplitudes[index]]),
);
/** The exact ground state as a wave function. */
const exact: LogAmplitude = async (spins) => {
  const values = keysOf(spins, 8).map((key) => places.get(key)!);
  return {
    re: Float64Array.from(values, (value) => Math.log(Math.abs(value))),
    im: Float64Array.from(values, (value) => (value < 0 ? Math.PI : 0)),
  };
};

it("local energies of an exact eigenstate have no variance", async () => {
  const { re, im } = await localEnergies(hamiltonian, spinsOf(sector.states, 8), exact);
  for (const [row, value] of re.entries()) {
    expect(Math.abs(value - energy)).toBeLessThan(1e-7 / Math.abs(amplitudes[row]));
    expect(Math.abs(im[row])).toBeLessThan(1e-9);
  }
  expect(statistics({ re, im }, 2).variance).toBeLessThan(1e-14);
});

describe.each([
  ["enumeration", () => exactSampler(8, random(4))],
  ["Metropolis exchange", () => metropolisSampler(lattice, random(4), { chains: 80 })],
])("sampling by %s", (_, make) => {
  it("draws every configuration as often as |ψ|² says, and repeats with its seed", async () => {
    const count = 80 * 200;
    const drawn = await make()(exact, count);
    const { weights, spins } = await probabilities(8, exact);
    const expected = new Map<unknown, number>(keysOf(spins, 8).map((key, index) => [key, weights[index]]));
    const found = shares(drawn, 8);
    const keys = keysOf(drawn.spins, 8);
    // χ² of the states that are drawn often enough; correlated draws widen it, wrong ones are hundreds away.
    const often = keys.map((key, row) => [found[row], expected.get(key)!]).filter(([, p]) => p * count > 20);
    const squares = often.reduce((sum, [share, p]) => sum + ((share - p) ** 2 * count) / p, 0) / often.length;
    expect(often.length).toBeGreaterThan(20);
    expect(squares).toBeLessThan(3);
    expect((await make()(exact, 160)).order).toEqual((await make()(exact, 160)).order);
  });

  it("keeps S^z and says when draws do not divide into chains", async () => {
    const { spins } = await make()(exact, 160);
    expect(spins.reduce((sum, spin) => sum + spin, 0)).toBe(0);
    await expect(make()(exact, 33)).rejects.toThrow(/count: wanted a multiple of the \d+ chains, got 33/);
  });
});

it("sums over all configurations give the energy of an eigenstate, without variance or error", async () => {
  const whole = await summation(8)(exact, 0);
  expect(shares(whole, 8).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  const { mean, variance, error } = exactStatistics(
    await localEnergies(hamiltonian, whole.spins, exact),
    shares(whole, 8),
  );
  expect(Math.abs(mean - energy)).toBeLessThan(1e-10);
  expect(variance).toBeLessThan(1e-14);
  expect(error).toBe(0);
  expect(
    exactStatistics({ re: Float64Array.of(1, 5), im: Float64Array.of(0, 0) }, Float64Array.of(0.75, 0.25)),
  ).toMatchObject({ mean: 2, variance: 3 });
});

it("Metropolis chains go on from spins that the caller keeps", async () => {
  const [first, second] = [random(4), random(4)];
  const current = randomChains(lattice, 16, first);
  const whole = metropolisSampler(lattice, second, { chains: 16 });
  await whole(exact, 64);
  await metropolisSampler(lattice, first, { chains: 16, current })(exact, 64);
  // a sampler of its own, from the spins and the stream as they stand
  expect((await metropolisSampler(lattice, first, { chains: 16, current })(exact, 64)).spins).toEqual(
    (await whole(exact, 64)).spins,
  );
});

it("one image stands for each orbit: 107 of 4 × 4 sites under all symmetries", () => {
  const group = productOf(translations(square(4)), productOf(pointGroup(square(4)), spinFlip(square(4))));
  const represent = representativesOf(16, group);
  const all = spinsOf(sectorOf(16).states, 16);
  const chosen = represent(all);
  expect(new Set(keysOf(chosen, 16)).size).toBe(107);
  expect(represent(chosen)).toEqual(chosen);
});

it("remembers amplitudes, and an orbit by one image where the ansatz is invariant", async () => {
  for (const kernel of [factored({ periodic: [2, 2] }), relativePosition({ periodic: [2, 2] })]) {
    const model = ansatz({ lattice: square(4), kernel, width: 4, heads: 2, layers: 1 });
    const parameters = model.initialize(cpu, random(1));
    let computed = 0;
    const counting = {
      ...model,
      apply: (...all: Parameters<typeof model.apply>) => ((computed += all[1].shape[0]), model.apply(...all)),
    };
    const spins = spinsOf([0x00ff, 0x0f0f, 0x00ff, 0x5a5a, 0xff00], 16);
    const plain = await rememberedAmplitudes(counting, parameters)(spins);
    expect(computed).toBe(4);
    const represent = representativesOf(16, translations(square(4), 2));
    const wise = rememberedAmplitudes(counting, parameters, represent);
    const once = await wise(spins);
    await wise(spins);
    expect(new Set(keysOf(represent(spins), 16)).size).toBe(3);
    expect(computed).toBe(4 + 3);
    expect(Math.max(...once.re.map((value, row) => Math.abs(value - plain.re[row])))).toBeLessThan(1e-12);
  }
});

describe("statistics", () => {
  const chains = 32;
  const length = 500;
  /** x' = a x + √(1-a²) noise: autocorrelation time a/(1-a), variance 1. */
  const correlated = (a: number, offset: (chain: number) => number) => {
    const noise = random(2);
    const re = new Float64Array(chains * length);
    for (let at = 0, x = 0; at < re.length; at++) {
      x = at % length === 0 ? noise.normal() : a * x + Math.sqrt(1 - a * a) * noise.normal();
      re[at] = x + offset(Math.floor(at / length));
    }
    return { re, im: new Float64Array(re.length) };
  };

  it("know the autocorrelation time of an autoregressive process, and the error that it makes", () => {
    const { mean, error, variance, autocorrelationTime, rHat } = statistics(
      correlated(0.8, () => 0),
      chains,
    );
    expect(variance).toBeCloseTo(1, 1);
    expect(autocorrelationTime).toBeGreaterThan(2);
    expect(autocorrelationTime).toBeLessThan(8);
    expect(Math.abs(mean)).toBeLessThan(4 * error);
    // √((1 + 2τ)/draws) with τ = a/(1 - a) = 4
    expect(error / Math.sqrt(9 / (chains * length))).toBeGreaterThan(0.7);
    expect(error / Math.sqrt(9 / (chains * length))).toBeLessThan(1.4);
    expect(rHat).toBeLessThan(1.02);
  });

  it("see that chains disagree", () => {
    expect(
      statistics(
        correlated(0, (chain) => chain % 2),
        chains,
      ).rHat,
    ).toBeGreaterThan(1.1);
    expect(statistics({ re: Float64Array.of(1, 1, 2, 2), im: new Float64Array(4) }, 2).rHat).toBe(Infinity);
    expect(statistics({ re: Float64Array.of(1, 1, 1, 1), im: new Float64Array(4) }, 2).rHat).toBe(1);
    expect(() =>
      statistics(
        correlated(0, () => 0),
        1,
      ),
    ).toThrow(/at least two chains/);
  });

  it("extrapolate to zero variance", () => {
    expect(
      zeroVarianceEnergy([
        { energy: -1, variance: 0.5 },
        { energy: -1.5, variance: 0.25 },
      ]),
    ).toBeCloseTo(-2, 12);
    expect(() => zeroVarianceEnergy([{ energy: -1, variance: 0.5 }])).toThrow(/two different variances/);
  });
});

it("ρ is the variance of the weights over the squares of their means, of configurations by their shares", async () => {
  const model = ansatz({ lattice, kernel: relativePosition({ periodic: [4] }), width: 4, heads: 2, layers: 1 });
  const parameters = model.initialize(cpu, random(3));
  const spins = spinsOf([0x0f, 0x35, 0x55], 8);
  const [layer] = model.weights(parameters, spins);
  const weights = await layer.read();
  const size = weights.length / 3;
  /** By the definition, with every draw on its own. */
  const expected = (draws: readonly number[]): number => {
    let [variance, squares] = [0, 0];
    for (let at = 0; at < size; at++) {
      const values = draws.map((row) => weights[row * size + at]);
      const mean = values.reduce((a, b) => a + b) / values.length;
      variance += values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      squares += mean * mean;
    }
    return variance / squares;
  };
  const rho = async (samples: Samples): Promise<number> =>
    (await attentionMaps(model, parameters, samples))[0].inputDependence;
  const draws = [0, 1, 1, 2, 0, 0, 2, 1];
  expect(expected(draws)).toBeGreaterThan(1e-4);
  expect(await rho({ spins, order: Int32Array.from(draws), chains: 2 })).toBeCloseTo(expected(draws), 12);
  expect(
    await rho({ spins, order: Int32Array.of(0, 1, 2), chains: 1, weights: Float64Array.of(3 / 8, 3 / 8, 2 / 8) }),
  ).toBeCloseTo(expected(draws), 12);
  // of more draws than are looked at, every chain has its part: here each row is drawn in one chain alone
  const long = Array.from({ length: 3 * 256 }, (_, draw) => Math.floor(draw / 256));
  expect(
    Math.abs((await rho({ spins, order: Int32Array.from(long), chains: 3 })) / expected([0, 1, 2]) - 1),
  ).toBeLessThan(0.02);
});
