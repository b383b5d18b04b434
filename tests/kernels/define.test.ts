import { describe, expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  causal,
  cpu,
  defineKernel,
  gradcheck,
  gradcheckKernel,
  kernels,
  ops,
  requestGpu,
  ShaderCompileError,
  valueAndGrad,
  type AttentionInputs,
  type KernelDefinition,
  type TiledKernel,
} from "../../src/index.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";

/** w = 1 / (1 + β ‖q-k‖²), the Cauchy kernel, divided by its row sum. */
const cauchy: KernelDefinition = {
  name: "cauchy",
  normalizer: "sum",
  parameters: { beta: 0.5 },
  score: ({ distance }, [beta]) => beta * distance,
  partials({ distance }, [beta], into) {
    into.product = -2 * beta;
    into.queryNorm = beta;
    into.keyNorm = beta;
    into.parameters[0] = distance;
  },
  weight: (score) => 1 / (1 + score),
  weightDerivative: (_score, weight) => -weight * weight,
  wgsl: `
    fn distance_of(pair: Pair) -> f32 { return max(pair.query_norm + pair.key_norm - 2.0 * pair.product, 0.0); }
    fn score(pair: Pair) -> f32 { return beta() * distance_of(pair); }
    fn score_partials(pair: Pair) -> Partials { return Partials(-2.0 * beta(), beta(), beta()); }
    fn score_by_parameters(pair: Pair) -> vec4f { return vec4f(distance_of(pair), 0.0, 0.0, 0.0); }
    fn weight(score: f32) -> f32 { return 1.0 / (1.0 + score); }
    fn weight_derivative(score: f32, weight: f32) -> f32 { return -weight * weight; }`,
};

const tiled = Object.entries(kernels).filter((entry): entry is [string, () => TiledKernel] => "formula" in entry[1]());
const shapes = { q: [2, 2, 5, 3], k: [2, 2, 6, 3], v: [2, 2, 6, 2], beta: [2] };
const inputsOn = (backend: typeof cpu): AttentionInputs => {
  const data = inputsOf({ shapes });
  return upload(
    backend,
    { ...data, beta: data["beta"].map((x) => Math.abs(x) + 0.5) },
    shapes,
  ) as unknown as AttentionInputs;
};

describe("defineKernel", () => {
  it("makes a kernel with gradients for everything it learns, and masks", async () => {
    const kernel = defineKernel(cauchy);
    expect(await gradcheckKernel(kernel)).toMatchObject({ passed: true, wrong: [] });
    const report = await gradcheck((p) => ops.sum(ops.square(attention(kernel, p, { mask: causal() }))), inputsOn(cpu));
    expect(report.worst).toMatchObject({ passed: true });
    expect(report.directions.some(({ parameter }) => parameter === "beta")).toBe(true);
  });

  const wrong: readonly (readonly [string, Partial<KernelDefinition>])[] = [
    [
      "partials.product (TypeScript)",
      {
        partials(pair, parameters, into) {
          cauchy.partials(pair, parameters, into);
          into.product *= -1;
        },
      },
    ],
    [
      "partials.parameters: beta (TypeScript)",
      {
        partials(pair, parameters, into) {
          cauchy.partials(pair, parameters, into);
          into.parameters[0] += 1;
        },
      },
    ],
    ["weightDerivative (TypeScript)", { weightDerivative: (_score, weight) => weight * weight }],
  ];
  it.each(wrong)("gradcheckKernel names %s when it is wrong", async (name, change) => {
    expect(await gradcheckKernel(defineKernel({ ...cauchy, ...change }))).toMatchObject({
      passed: false,
      wrong: [name],
    });
  });

  it.each([
    ["five parameters", { parameters: { a: 1, b: 1, c: 1, d: 1, e: 1 } }, /parameters: wanted at most four, got 5/],
    ["a parameter called q", { parameters: { q: 1 } }, /names of letters and digits other than q, k and v, got q/],
    ["a weight without derivative", { weightDerivative: undefined }, /a weight and its derivative, or neither/],
    [
      "a weight with softmax",
      { normalizer: "softmax" as const },
      /sum, count or none with a weight of its own, got softmax/,
    ],
  ])("refuses %s", (_, change, message) => {
    expect(() => defineKernel({ ...cauchy, ...change })).toThrow(ArgumentError);
    expect(() => defineKernel({ ...cauchy, ...change })).toThrow(message);
  });

  it("leaves short names to the user's WGSL", async () => {
    using gpu = await requestGpu({ dawn: ["backend=null"] });
    const names = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"].flatMap((letter) =>
      ["0", "1", "2", "x"].map((end) => letter + end),
    );
    const taken = new Set(["if", "do", "fn"]);
    const constants = names.filter((name) => !taken.has(name)).map((name) => `const ${name} = 1.0;`);
    const kernel = defineKernel({ ...cauchy, wgsl: `${constants.join("\n")}\n${cauchy.wgsl}` });
    const inputs = inputsOn(gpu);
    const { gradients } = valueAndGrad((p) => ops.sum(attention(kernel, p)), inputs);
    await gradients.q.read();
  });

  it("reports a mistake in the user's WGSL in the user's lines", async () => {
    using gpu = await requestGpu({ dawn: ["backend=null"] });
    const kernel = defineKernel({
      ...cauchy,
      wgsl: cauchy.wgsl.replace("beta() * distance_of", "beta() * distence_of"),
    });
    const read = attention(kernel, inputsOn(gpu)).read();
    await expect(read).rejects.toThrow(ShaderCompileError);
    await expect(attention(kernel, inputsOn(gpu)).read()).rejects.toThrow();
    const line = cauchy.wgsl.split("\n").findIndex((text) => text.includes("fn score(")) + 1;
    await expect(
      gradcheckKernel(
        defineKernel({
          ...kernel.formula,
          ...cauchy,
          name: "mine",
          wgsl: cauchy.wgsl.replace("beta() * distance_of", "distence_of"),
        }),
        { gpu },
      ),
    ).rejects.toThrow(`shaders/mine:${line}:`);
  });
});

describe("gradcheckKernel", () => {
  it.each(tiled.filter(([, factory]) => factory().formula.component === undefined))(
    "finds nothing wrong in %s",
    async (_name, factory) => {
      expect(await gradcheckKernel(factory())).toMatchObject({ passed: true, wrong: [] });
    },
  );
});

describeGpu("kernels of one's own on the GPU", (gpu) => {
  it("computes what the CPU computes", async () => {
    const kernel = defineKernel(cauchy);
    const exact = await attention(kernel, inputsOn(cpu)).read();
    const actual = await attention(kernel, inputsOn(gpu())).read();
    exact.forEach((value, index) => expect(Math.abs(actual[index] - value)).toBeLessThan(2 ** -18));
    expect(await gradcheckKernel(kernel, { gpu: gpu() })).toMatchObject({ passed: true, wrong: [] });
  });

  it.each([
    ["score (WGSL)", "beta() * distance_of(pair); }", "2.0 * beta() * distance_of(pair); }"],
    ["score_partials.product (WGSL)", "Partials(-2.0", "Partials(2.0"],
    ["weight_derivative (WGSL)", "return -weight", "return weight"],
  ])("gradcheckKernel names %s when it is wrong", async (name, right, wrong) => {
    const report = await gradcheckKernel(defineKernel({ ...cauchy, wgsl: cauchy.wgsl.replace(right, wrong) }), {
      gpu: gpu(),
    });
    expect(report.wrong).toContain(name);
  });
});
