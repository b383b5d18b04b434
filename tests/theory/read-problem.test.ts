import { describe, expect, it } from "vitest";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { cpu } from "../../src/cpu/cpu.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { multiHead } from "../../src/nn/multi-head.js";
import { singleLayer } from "../../src/nn/single-layer.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { pathProbability } from "../../src/theory/path-probability.js";
import { readProblem } from "../../src/theory/read-problem.js";
import { randomProblem, type Sizes } from "./support.js";

const kernel = gaussian();
const source = random(1);
const normal = (...shape: number[]) =>
  cpu.tensor(source.normals(shape.reduce((size, length) => size * length, 1)), shape);
const half = async (outputs: ReturnType<typeof normal>, targets: ReturnType<typeof normal>): Promise<number> => {
  const [own, wanted] = [Array.from(await outputs.read()), await targets.read()];
  return own.reduce((sum, x, index) => sum + (x - wanted[index]) ** 2 / 2, 0);
};

describe("readProblem", () => {
  it("gives the loss of a single layer", async () => {
    const layer = singleLayer({ kernel, heads: 3, width: 4, keyWidth: 2, valueWidth: 5, outputWidth: 2 });
    const parameters = layer.initialize(cpu, random(2));
    const [inputs, targets] = [normal(2, 3, 4), normal(2, 3, 2)];
    const report = checkConvergence(await readProblem({ inputs, targets, parameters }), {
      kernel,
      trainable: ["query"],
    });
    expect(report.initialLoss).toBeCloseTo(await half(layer.apply(parameters, inputs), targets), 10);
  });

  it("gives the loss of a multiHead layer, head by head", async () => {
    const layer = multiHead({ kernel, width: 6, heads: 3 });
    const parameters = layer.initialize(cpu, random(3));
    const [inputs, targets] = [normal(2, 4, 6), normal(2, 4, 6)];
    const problem = await readProblem({ inputs, targets, parameters, heads: 3 });
    expect(problem.weights.query).toHaveLength(3);
    const { initialLoss } = checkConvergence(problem, { kernel, trainable: ["query"] });
    expect(initialLoss).toBeCloseTo(await half(layer.apply(parameters, inputs), targets), 10);
  });

  it("refuses layers that are not the theory's model", async () => {
    const [inputs, targets] = [normal(2, 4, 6), normal(2, 4, 6)];
    const read = (options: object, heads: number | undefined = 3) => {
      const parameters = multiHead({ kernel, width: 6, heads: 3, ...options }).initialize(cpu, random(3));
      return readProblem({ inputs, targets, parameters, heads });
    };
    await expect(read({ bias: true })).rejects.toThrow(ArgumentError);
    await expect(read({ learn: ["gamma"] })).rejects.toThrow(/gamma/);
    await expect(read({ kvHeads: 1 })).rejects.toThrow(ShapeError);
    await expect(read({ heads: 6, kvHeads: 3 }, 3)).rejects.toThrow(/heads of keys/);
    await expect(read({}, 4)).rejects.toThrow(ShapeError);
    const { query, value, output } = multiHead({ kernel, width: 6, heads: 3 }).initialize(cpu, random(3));
    await expect(readProblem({ inputs, targets, parameters: { query, value, output }, heads: 3 })).rejects.toThrow(
      /no key/,
    );
    const single = singleLayer({ kernel, heads: 3, width: 6, outputWidth: 6 }).initialize(cpu, random(2));
    await expect(readProblem({ inputs, targets, parameters: single, heads: 3 })).rejects.toThrow(ArgumentError);
    await expect(readProblem({ inputs: normal(4, 6), targets, parameters: single })).rejects.toThrow(ShapeError);
  });
});

describe("pathProbability", () => {
  const sizes: Sizes = { tokens: [2, 2], width: 8, heads: 4, keyWidth: 8, valueWidth: 8, outputWidth: 1 };
  const at = (heads: number, steps: number) =>
    pathProbability(
      randomProblem(1, sizes),
      { heads, mirrored: true, scales: { query: 0.5, key: 0.5, value: 1, output: Math.sqrt(8) } },
      { kernel, trainable: ["query"], steps, draws: 6 },
    );

  it("rises with the heads and with the steps, and is reproducible", async () => {
    const [few, many, later] = [await at(2, 0), await at(32, 0), await at(2, 300)];
    expect(many.atStart.share).toBeGreaterThan(few.atStart.share);
    expect(later.atStart).toEqual(few.atStart);
    expect(later.within.share).toBeGreaterThan(few.within.share);
    expect(later.rigorous).toEqual(later.within);
    expect(later.certifiedAt).toHaveLength(6);
    expect(later.certifiedAt.filter((step) => step !== null)).toHaveLength(later.within.successes);
    expect(await at(2, 0)).toEqual(few);
  });

  it("refuses to mirror an odd number of heads, and no draws", async () => {
    await expect(at(3, 0)).rejects.toThrow(ArgumentError);
    const options = { kernel, trainable: ["query"] as const, steps: 0, draws: 0 };
    const initialization = { heads: 2, mirrored: false, scales: { query: 1, key: 1, value: 1, output: 1 } };
    await expect(pathProbability(randomProblem(1, sizes), initialization, options)).rejects.toThrow(ArgumentError);
  });
});
