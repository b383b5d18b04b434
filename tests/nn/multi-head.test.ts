import { describe, expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  causal,
  cpu,
  elliptical,
  factored,
  gradcheck,
  kernels,
  ops,
  pairwise,
  random,
  sigmoid,
  softmax,
  symmetric,
  valueAndGrad,
  type AttentionInputs,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { adam, multiHead, type MultiHead, type MultiHeadParameters } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

const [batch, n, m, width, heads] = [2, 5, 7, 8, 2];
const tokens = (backend: Backend, count: number, columns: number, seed: number): Tensor =>
  backend.tensor(random(seed).normals(batch * count * columns), [batch, count, columns]);
const names = Object.keys(kernels);

/** The metric of `elliptical`, which no layer owns. */
const fixedInputs = (name: string, backend: Backend): Record<string, Tensor> =>
  (kernels[name]().inputs ?? []).some(({ fixed }) => fixed)
    ? { metric: backend.full(0.5, [batch, heads, width / heads]) }
    : {};

function layerFor(name: string, options: { readonly contextTokens?: number } = {}): MultiHead {
  const kernel = kernels[name]();
  const learn = "parameters" in kernel ? kernel.parameters.map((parameter) => parameter.name) : [];
  return multiHead({ kernel, width, heads, tokens: n, learn, ...options });
}

const weigh = (output: Tensor): Tensor =>
  ops.sum(ops.multiply(output, output.backend.tensor(random(9).normals(output.size), output.shape)));

describe.each(names)("a layer over %s", (name) => {
  it("has gradients for everything it owns, in self- and in cross-attention", async () => {
    for (const [context, contextTokens] of [
      [undefined, n],
      [tokens(cpu, m, width, 4), m],
    ] as const) {
      const layer = layerFor(name, { contextTokens });
      const call = { context, inputs: fixedInputs(name, cpu) };
      const x = tokens(cpu, n, width, 3);
      const report = await gradcheck(
        (p) => weigh(layer.apply(p.parameters, p.x, call)),
        { parameters: layer.initialize(cpu, random(1)), x },
        { directions: 1 },
      );
      expect(report.worst).toMatchObject({ passed: true });
    }
  });
});

describe("projections", () => {
  it("are shared where the kernel says so", () => {
    const owned = (kernel: Parameters<typeof multiHead>[0]["kernel"]): string[] =>
      Object.keys(multiHead({ kernel, width, heads, tokens: n }).initialize(cpu, random(1)));
    expect(owned(softmax())).toEqual(["query", "key", "value", "output"]);
    expect(owned(symmetric())).toEqual(["query", "value", "output"]);
    expect(owned(pairwise())).toEqual(["query", "value", "output", "coupling"]);
    expect(owned(factored())).toEqual(["value", "output", "positions"]);
  });

  it("symmetric attention is softmax attention with the key projection of the queries", async () => {
    const x = tokens(cpu, n, width, 3);
    const parameters = multiHead({ kernel: symmetric(), width, heads }).initialize(cpu, random(1));
    const shared = multiHead({ kernel: symmetric(), width, heads }).apply(parameters, x);
    const both = multiHead({ kernel: softmax(), width, heads }).apply({ ...parameters, key: parameters["query"] }, x);
    expect(await shared.read()).toEqual(await both.read());
  });

  it("with fewer key heads and another context width, and a mask", async () => {
    const layer = multiHead({ kernel: softmax(), width, heads: 4, kvHeads: 2, contextWidth: 6 });
    const parameters = layer.initialize(cpu, random(1));
    expect(parameters["key"].shape).toEqual([6, 4]);
    const [x, context] = [tokens(cpu, n, width, 3), tokens(cpu, m, 6, 4)];
    const split = (y: Tensor, count: number): Tensor =>
      ops.permute(ops.reshape(y, [batch, -1, count, 2]), [0, 2, 1, 3]);
    const inputs: AttentionInputs = {
      q: split(ops.matmul(x, parameters["query"]), 4),
      k: split(ops.matmul(context, parameters["key"]), 2),
      v: split(ops.matmul(context, parameters["value"]), 2),
    };
    const mixed = ops.reshape(ops.permute(attention(softmax(), inputs, { mask: causal() }), [0, 2, 1, 3]), [
      batch,
      n,
      width,
    ]);
    const actual = await layer.apply(parameters, x, { context, mask: causal() }).read();
    expect(actual).toEqual(await ops.matmul(mixed, parameters["output"]).read());
  });

  it("says what is missing", () => {
    expect(() => multiHead({ kernel: factored(), width, heads }).initialize(cpu, random(1))).toThrow(
      /tokens: wanted the number of tokens, which factored asks for/,
    );
    expect(() => multiHead({ kernel: sigmoid(), width, heads, learn: ["bias"] }).initialize(cpu, random(1))).toThrow(
      /contextTokens: wanted the number of tokens/,
    );
    expect(() => multiHead({ kernel: softmax(), width, heads, learn: ["gamma"] })).toThrow(ArgumentError);
    expect(() => multiHead({ kernel: symmetric(), width, heads, kvHeads: 1 })).toThrow(ArgumentError);
    const layer = multiHead({ kernel: elliptical(), width, heads });
    expect(() => layer.apply(layer.initialize(cpu, random(1)), tokens(cpu, n, width, 3))).toThrow(
      /metric: wanted a tensor/,
    );
  });
});

describeGpu("layers on the GPU", (gpu) => {
  it.each(names)("%s learns to reproduce another layer's output", async (name) => {
    const layer = layerFor(name);
    const make = (seed: number): MultiHeadParameters => layer.initialize(gpu(), random(seed));
    const [teacher, student, x] = [make(1), make(2), tokens(gpu(), n, width, 3)];
    const call = { inputs: fixedInputs(name, gpu()) };
    const target = layer.apply(teacher, x, call);
    const optimizer = adam({ learningRate: 0.02 });
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const { value, gradients } = valueAndGrad((p) => ops.meanSquaredError(layer.apply(p, x, call), target), student);
      gpu().scope(() => optimizer.step(student, gradients));
      if (step % 59 === 0) losses.push((await value.read())[0]);
    }
    expect(losses[1]).toBeLessThan(0.5 * losses[0]);
  });
});
