import { describe, expect, it } from "vitest";
import { cpu, factored, random, relativePosition, softmax, type Tensor } from "../../src/index.js";
import { tensorsIn } from "../../src/core/tensor.js";
import { rememberedAmplitudes } from "../../src/physics/amplitudes.js";
import { ansatz } from "../../src/physics/ansatz.js";
import type { AnsatzParameters } from "../../src/physics/ansatz-parameters.js";
import { groundState } from "../../src/physics/exact.js";
import { heisenberg } from "../../src/physics/hamiltonian.js";
import { jacobian, jacobianBlocks } from "../../src/physics/jacobian.js";
import { chain } from "../../src/physics/lattice.js";
import { localEnergies } from "../../src/physics/local-energy.js";
import { representativesOf } from "../../src/physics/orbits.js";
import {
  descend,
  energyGradient,
  linearProblem,
  naturalGradient,
  problemInBlocks,
  springDirection,
} from "../../src/physics/reconfiguration.js";
import {
  exactSampler,
  metropolisSampler,
  probabilities,
  randomChains,
  type Sampler,
} from "../../src/physics/sampler.js";
import {
  pointGroup,
  productOf,
  shiftsWithin,
  spinFlip,
  translations,
  type Symmetry,
} from "../../src/physics/symmetry.js";
import { cosineSchedule } from "../../src/nn/schedules.js";
import { enumeratedEnergy, variationalStep } from "../../src/physics/variational.js";

const lattice = chain(8);
const hamiltonian = heisenberg(lattice, { j2: 0.3 });

/** The problem over the whole sector, weighted by |ψ|²: the energy's own gradient, without noise. */
async function wholeProblem(model: ReturnType<typeof ansatz>, parameters: AnsatzParameters) {
  const logAmplitude = rememberedAmplitudes(model, parameters);
  const { spins, weights } = await probabilities(8, logAmplitude);
  return linearProblem(
    jacobian(model, parameters, spins),
    await localEnergies(hamiltonian, spins, logAmplitude),
    weights,
  );
}

describe.each([
  ["factored", factored({ periodic: [4] })],
  ["softmax", softmax()],
  ["softmax with relative positions", relativePosition({ periodic: [4] })],
])("the energy of a wave function over %s attention", (_, kernel) => {
  const model = ansatz({ lattice, kernel, width: 4, heads: 2, layers: 1 });

  it("has the gradient of finite differences of its enumeration", async () => {
    const parameters = model.initialize(cpu, random(2));
    const gradient = await energyGradient(await wholeProblem(model, parameters)).read();
    const step = 1e-5;
    const directions = random(8);
    for (let trial = 0; trial < 4; trial++) {
      const direction = directions.normals(gradient.length, 1 / Math.sqrt(gradient.length));
      const column = cpu.tensor(direction, [direction.length, 1]);
      const at = async (distance: number): Promise<number> => {
        const moved = model.initialize(cpu, random(2));
        descend(moved, column, -distance);
        return enumeratedEnergy({ hamiltonian }, rememberedAmplitudes(model, moved));
      };
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      const inner = direction.reduce((sum, value, k) => sum + value * gradient[k], 0);
      expect(Math.abs(slope - inner)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
      expect(Math.abs(slope)).toBeGreaterThan(1e-4);
    }
  });

  it("falls along the natural gradient, the same from either side", async () => {
    const parameters = model.initialize(cpu, random(2));
    const problem = await wholeProblem(model, parameters);
    const before = await enumeratedEnergy({ hamiltonian }, rememberedAmplitudes(model, parameters));
    for (const shift of [1e-1, 1e-3]) {
      const [p, s] = [
        await naturalGradient(problem, { shift, side: "parameters" }),
        await naturalGradient(problem, { shift, side: "samples" }),
      ];
      const [a, b] = [await p.read(), await s.read()];
      const scale = Math.max(...a.map(Math.abs));
      expect(Math.max(...a.map((value, k) => Math.abs(value - b[k]))) / scale).toBeLessThan(1e-9);
      // to first order by the slope along it
      const moved = model.initialize(cpu, random(2));
      descend(moved, p, 1e-4);
      const gradient = Array.from(await energyGradient(problem).read());
      const slope = gradient.reduce((sum, value, k) => sum + value * a[k], 0);
      expect(slope).toBeGreaterThan(0);
      expect(
        (before - (await enumeratedEnergy({ hamiltonian }, rememberedAmplitudes(model, moved)))) / (1e-4 * slope),
      ).toBeCloseTo(1, 2);
    }
  });
});

it("has the same direction from a Jacobian in blocks of rows", async () => {
  const model = ansatz({ lattice, kernel: softmax(), width: 4, heads: 2, layers: 1 });
  const parameters = model.initialize(cpu, random(2));
  const rows = 300; // above the most rows of a block
  const spins = randomChains(lattice, rows, random(4));
  const noise = random(5);
  const energies = { re: noise.normals(rows), im: noise.normals(rows) };
  const weights = new Float64Array(rows).fill(1 / rows);
  const blocks = jacobianBlocks(model, parameters, spins);
  expect(blocks.map(({ re }) => re.shape[0])).toEqual([256, 44]);
  const [cut, whole] = [
    problemInBlocks(blocks, energies, weights),
    linearProblem(jacobian(model, parameters, spins), energies, weights),
  ];
  for (const side of ["parameters", "samples"] as const) {
    const [a, b] = await Promise.all(
      [cut, whole].map(async (problem) => (await naturalGradient(problem, { shift: 1e-2, side })).read()),
    );
    a.forEach((value, k) => expect(Math.abs(value - b[k])).toBeLessThan(1e-9 * Math.max(...b.map(Math.abs))));
  }
});

describe("directions", () => {
  const noise = random(6);
  const problem = { blocks: [cpu.tensor(noise.normals(6 * 4), [6, 4])], target: cpu.tensor(noise.normals(6), [6, 1]) };
  const read = async (tensor: Promise<Tensor>): Promise<number[]> => Array.from(await (await tensor).read());

  it("of SPRING minimise the squares around the last direction", async () => {
    const last = cpu.tensor(noise.normals(4), [4, 1]);
    const [shift, momentum] = [0.1, 0.7];
    const delta = await read(springDirection(problem, last, momentum, { shift }));
    const [x, g, old] = [await problem.blocks[0].read(), await problem.target.read(), await last.read()];
    const cost = (d: readonly number[]): number => {
      const residuals = Array.from(g, (value, row) => d.reduce((sum, part, k) => sum + x[row * 4 + k] * part, -value));
      return (
        residuals.reduce((sum, r) => sum + r * r, 0) +
        shift * d.reduce((sum, part, k) => sum + (part - momentum * old[k]) ** 2, 0)
      );
    };
    for (let k = 0; k < 4; k++) {
      for (const step of [1e-3, -1e-3])
        expect(cost(delta.map((part, index) => part + (index === k ? step : 0)))).toBeGreaterThan(cost(delta));
    }
    expect(await read(springDirection(problem, undefined, 0.7, { shift }))).toEqual(
      await read(naturalGradient(problem, { shift })),
    );
  });

  it("ask for a larger shift where the system is singular", async () => {
    const zero = { blocks: [cpu.full(0, [2, 3])], target: cpu.full(1, [2, 1]) };
    await expect(naturalGradient(zero, { shift: 0 })).rejects.toThrow(
      /naturalGradient: shift: wanted a positive definite system/,
    );
  });

  it("follow a schedule that rises and falls", () => {
    const rate = cosineSchedule({ start: 1, end: 0.1, steps: 11, warmup: 3 });
    expect([0, 1, 2, 3, 10].map(rate)).toEqual([0.25, 0.5, 0.75, 1, 0.1]);
  });
});

/** With the translations by whole patches a group. */
const symmetries = productOf(shiftsWithin(lattice, 2), productOf(pointGroup(lattice), spinFlip(lattice)));

describe.each<
  [string, { sampler: (seed: number) => Sampler; elements: readonly Symmetry[]; steps: number; error: number }]
>([
  ["by enumeration", { sampler: (seed) => exactSampler(8, random(seed)), elements: [], steps: 40, error: 5e-3 }],
  [
    "by Metropolis exchange, projected on symmetries",
    {
      sampler: (seed) => metropolisSampler(lattice, random(seed), { chains: 16 }),
      elements: symmetries,
      steps: 30,
      error: 1e-4,
    },
  ],
])("optimisation with samples %s", (_, { sampler, elements, steps: enough, error }) => {
  it("finds the ground state of a chain of eight spins, and repeats with its seed", async () => {
    const projection = elements.length === 0 ? {} : { projection: { elements, characters: elements.map(() => 1) } };
    const model = ansatz({
      lattice,
      kernel: factored({ periodic: [4] }),
      width: 6,
      heads: 2,
      layers: 1,
      ...projection,
    });
    const whole = translations(lattice, 2);
    const problem = {
      ansatz: model,
      hamiltonian,
      represent: representativesOf(8, elements.length === 0 ? whole : productOf(whole, elements)),
    };
    const run = async (steps: number) => {
      const parameters = model.initialize(cpu, random(5));
      const draw = sampler(5);
      const energies: number[] = [];
      let last: Tensor | undefined;
      for (let step = 0; step < steps; step++) {
        const { measurement, direction } = await variationalStep(problem, parameters, draw, last, {
          samples: 256,
          rate: 0.05,
          shift: 1e-3,
          momentum: 0.8,
        });
        energies.push(measurement.energy.mean);
        last = direction;
      }
      return {
        parameters,
        energies,
        energy: await enumeratedEnergy({ hamiltonian }, rememberedAmplitudes(model, parameters)),
      };
    };
    const exact = groundState(hamiltonian).energy;
    const { energy, energies } = await run(enough);
    expect(energy).toBeGreaterThan(exact - 1e-9);
    expect((energy - exact) / Math.abs(exact)).toBeLessThan(error);
    expect((await run(3)).energies).toEqual(energies.slice(0, 3));
  });
});

it("a direction moves every parameter by its own part", async () => {
  const model = ansatz({ lattice, kernel: softmax(), width: 4, heads: 2, layers: 1 });
  const numbers = async (): Promise<number[]> =>
    (await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()))).flatMap((part) => Array.from(part));
  const parameters = model.initialize(cpu, random(2));
  const before = await numbers();
  descend(
    parameters,
    cpu.tensor(
      before.map((_, k) => k),
      [before.length, 1],
    ),
    0.5,
  );
  expect(await numbers()).toEqual(before.map((value, k) => value - 0.5 * k));
  expect(() => descend(parameters, cpu.full(0, [before.length - 1, 1]), 1)).toThrow(/slice/);
});
