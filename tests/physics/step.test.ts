import { describe, expect, it } from "vitest";
import { cpu, factored, random, reference } from "../../src/index.js";
import { tensorsIn } from "../../src/core/tensor.js";
import { rememberedAmplitudes, type LogAmplitude } from "../../src/physics/amplitudes.js";
import { ansatz } from "../../src/physics/ansatz.js";
import { jacobian } from "../../src/physics/jacobian.js";
import { heisenberg } from "../../src/physics/hamiltonian.js";
import { chain } from "../../src/physics/lattice.js";
import { metropolisSampler, summation } from "../../src/physics/sampler.js";
import { enumeratedEnergy, variationalStep, type StepOptions } from "../../src/physics/variational.js";

const lattice = chain(8);
const hamiltonian = heisenberg(lattice, { j2: 0.3 });

describe("a step", () => {
  const model = ansatz({ lattice, kernel: factored({ periodic: [4] }), width: 4, heads: 2, layers: 1 });
  const step = async (options: Partial<StepOptions>) => {
    const parameters = model.initialize(cpu, random(2));
    const numbers = async (): Promise<number[]> =>
      (await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()))).flatMap((part) => Array.from(part));
    const before = await numbers();
    const { shift } = await variationalStep({ ansatz: model, hamiltonian }, parameters, summation(8), undefined, {
      samples: 0,
      rate: 0.05,
      shift: 1e-3,
      momentum: 0,
      ...options,
    });
    const after = await numbers();
    return { shift, way: before.map((value, k) => after[k] - value) };
  };

  it("takes the Jacobian in any blocks, and refuses one with other rows", async () => {
    const parameters = model.initialize(cpu, random(2));
    const derivatives = (from: number) => (spins: Int8Array) =>
      Promise.resolve(
        [spins.subarray(from, 5 * 8), spins.subarray(5 * 8)].map((part) => jacobian(model, parameters, part)),
      );
    const [whole, parts] = [await step({}), await step({ derivatives: derivatives(0) })];
    parts.way.forEach((value, k) => expect(Math.abs(value - whole.way[k])).toBeLessThan(1e-9));
    await expect(step({ derivatives: derivatives(8) })).rejects.toThrow("derivatives of 128 rows, got of 127");
  });

  it("longer than the longest is shortened, in its direction", async () => {
    const [free, short, wide] = [await step({}), await step({ longest: 1e-3 }), await step({ longest: 10 })];
    expect(wide.way).toEqual(free.way);
    const share = Math.hypot(...short.way) / Math.hypot(...free.way);
    expect(share).toBeLessThan(0.1);
    short.way.forEach((value, k) => expect(Math.abs(value - share * free.way[k])).toBeLessThan(1e-12));
    // the rate and the longest way trade places
    const slower = await step({ rate: 0.05 / 100, longest: 1e-3 });
    expect(Math.hypot(...slower.way)).toBeLessThanOrEqual(Math.hypot(...short.way) * (1 + 1e-9));
  });

  it("raises a shift that leaves the system singular, and says so", async () => {
    // rows of centred sums depend on each other, so that without a shift nothing is definite
    expect((await step({ shift: 1e-3 })).shift).toBe(1e-3);
    const { shift, way } = await step({ shift: 1e-16 });
    expect(shift).toBeGreaterThan(1e-16);
    expect(way.every(Number.isFinite)).toBe(true);
  });

  it("draws by a given log ψ what it draws by that of its own backend", async () => {
    const copies = model.initialize(cpu, random(2));
    const drawn = async (logAmplitude?: LogAmplitude): Promise<{ drawn: Int8Array; mean: number }> => {
      const noise = random(3);
      const parameters = model.initialize(reference, random(2));
      const sampler = metropolisSampler(lattice, noise, { chains: 8 });
      const options = { samples: 64, rate: 0.05, shift: 1e-3, momentum: 0, ...(logAmplitude && { logAmplitude }) };
      const problem = { ansatz: model, hamiltonian };
      const { measurement } = await variationalStep(problem, parameters, sampler, undefined, options);
      return { drawn: measurement.drawn.spins, mean: measurement.energy.mean };
    };
    let asked = 0;
    const other = await drawn((spins) => (asked++, rememberedAmplitudes(model, copies)(spins)));
    const own = await drawn();
    expect(other.drawn).toEqual(own.drawn);
    expect(other.mean).toBeCloseTo(own.mean, 10);
    // a proposal of each chain at each of two sweeps of eight, the start, draws and their exchanges
    expect(asked).toBeGreaterThan(10);
  });

  it("measures before the parameters change", async () => {
    const parameters = model.initialize(cpu, random(2));
    const energies: number[] = [];
    const measured = async (): Promise<void> =>
      void energies.push(await enumeratedEnergy({ hamiltonian }, rememberedAmplitudes(model, parameters)));
    const { measurement } = await variationalStep({ ansatz: model, hamiltonian }, parameters, summation(8), undefined, {
      samples: 0,
      rate: 0.05,
      shift: 1e-3,
      momentum: 0,
      measured,
    });
    expect(energies).toHaveLength(1);
    expect(energies[0]).toBeCloseTo(measurement.energy.mean, 10);
  });
});
