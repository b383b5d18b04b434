import { describe, expect, it, test } from "vitest";
import {
  cpu,
  decoupled,
  differential,
  factored,
  gaussian,
  pairwise,
  random,
  reference,
  softmax,
  type AttentionKernel,
} from "../../src/index.js";
import * as physics from "../../src/physics/index.js";
import { amplitudesOf } from "../../src/physics/amplitudes.js";
import { partsOf } from "../../src/physics/ansatz.js";
import { laneAmplitudes } from "../../src/physics/lanes.js";
import { disturb, laneKernels } from "../support/wave-functions.js";

const [ring, small] = [physics.chain(6), physics.square(4)];
const projected = (lattice: physics.Lattice) => {
  const elements = physics.shiftsWithin(lattice, 2);
  return { elements, characters: elements.map(() => 1) };
};
// three and four tokens, one spin a token, images that do not fill the lanes, sizes that are no multiples of the tiles
const models = {
  square: { lattice: small, periodic: [2, 2], width: 6, heads: 2, layers: 2, projection: projected(small) },
  ring: { lattice: ring, periodic: [3], width: 9, heads: 3, layers: 1, hidden: 5 },
  sites: { lattice: ring, periodic: [6], patch: 1, width: 8, heads: 1, layers: 1, projection: projected(ring) },
  bare: { lattice: small, periodic: [2, 2], width: 4, heads: 2, layers: 0 },
  large: { lattice: small, periodic: [2, 2], width: 36, heads: 4, layers: 2 }, // memory grows
};
const kernels: typeof laneKernels = {
  ...laneKernels,
  // what it learns is its bias
  "a bias": () => ({
    ...softmax(),
    name: "a bias",
    ofPositions: "bias",
    inputs: [{ name: "b", shape: ({ heads, queries, keys }) => [1, heads, queries, keys] }],
    bias: ({ b }) => b,
  }),
};
/** Large positions, so that some weights of softmax are tiny. */
const SPREADS = [0.5, 9] as const;

describe("wave functions on lanes", () => {
  test.each(Object.entries(kernels))("%s: the same bits as the backend's operations", async (_, kernelOf) => {
    for (const { periodic, ...options } of Object.values(models)) {
      const model = physics.ansatz({ ...options, kernel: kernelOf(periodic) });
      const { encoder, images } = partsOf(model)!;
      const lanes = laneAmplitudes(encoder)!;
      const [first, second] = [1, 2].map((seed) => disturb(model.initialize(cpu, random(seed)), seed, ...SPREADS));
      const tokens = model.tokens(cpu, physics.randomChains(model.lattice, 9, random(3)));
      const cut = await tokens.read();
      // one after the other in the same memory
      const both = [await lanes(first), await lanes(second)];
      for (const [at, parameters] of [first, second, first].entries()) {
        const { re, im } = images(parameters, tokens);
        expect(both[at % 2](cut)).toEqual({ re: await re.read(), im: await im.read() });
      }
    }
  });

  it("are log ψ of the CPU, of any number of rows, and of parameters that are not finite", async () => {
    const model = physics.ansatz({ lattice: ring, kernel: softmax(), width: 6, heads: 2, layers: 1 });
    const parameters = disturb(model.initialize(cpu, random(1)), 1, ...SPREADS);
    const spins = physics.randomChains(ring, 300, random(2));
    const { re, im } = model.apply(parameters, model.tokens(cpu, spins));
    const amplitudes = amplitudesOf(model, parameters);
    expect(await amplitudes(spins)).toEqual({ re: await re.read(), im: await im.read() });
    expect((await amplitudes(new Int8Array(0))).re).toHaveLength(0);
    const { weight } = parameters.embedding;
    weight.assign(cpu.adopt(new Float64Array(weight.size).fill(NaN), weight.shape, "f64"));
    expect((await amplitudesOf(model, parameters)(spins.subarray(0, 6))).re).toEqual(Float64Array.of(NaN));
  });

  it("leave the plain reference, and models with a log ψ of their own, to themselves", async () => {
    const model = physics.ansatz({ lattice: ring, kernel: softmax(), width: 6, heads: 2, layers: 1 });
    let applied = 0;
    const counting: physics.Ansatz = { ...model, apply: (...all) => (applied++, model.apply(...all)) };
    await amplitudesOf(counting, model.initialize(cpu, random(1)))(physics.randomChains(ring, 1, random(2)));
    expect(applied).toBe(1);
    await amplitudesOf(counting, model.initialize(reference, random(1)))(physics.randomChains(ring, 1, random(2)));
    expect(applied).toBe(2);
  });

  test.each<[string, AttentionKernel]>([
    ["gaussian", gaussian()],
    ["decoupled", decoupled()],
    ["pairwise", pairwise()],
    ["differential", differential()],
    ["a bias that may read the queries", { ...softmax(), bias: ({ q }) => q }],
    ["composed of values, with weights of its own", { ...factored(), ofPositions: undefined }],
  ])("are not made for kernels with other weights: %s", (_, kernel) => {
    expect(laneAmplitudes({ kernel, heads: 2, tokens: 3, area: 2, width: 6 })).toBeUndefined();
  });
});
