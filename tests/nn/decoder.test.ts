import { describe, expect, it } from "vitest";
import {
  ArgumentError,
  cpu,
  elliptical,
  factored,
  gaussian,
  indices,
  linear,
  NonFiniteError,
  ops,
  polynomial,
  random,
  sigmoid,
  slidingWindow,
  softmax,
  UnsupportedError,
  type AttentionKernel,
  type Backend,
} from "../../src/index.js";
import { adam, decoder, mapTree, trainStep, type TransformerOptions } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

const [vocabulary, tokens] = [7, 12];
const small = { vocabulary, tokens, width: 8, hidden: 12, heads: 2, layers: 2 };
const model = (kernel: AttentionKernel, options: Partial<TransformerOptions> = {}) =>
  decoder({ kernel, ...small, ...options });
const stream = random(3);
const text = Array.from({ length: tokens }, () => stream.integer(vocabulary));

async function collect(ids: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const id of ids) all.push(id);
  return all;
}

/** The likeliest continuation, by a whole pass for every token. */
async function likeliest(network: ReturnType<typeof model>, backend: Backend, prompt: number[], count: number) {
  const parameters = network.initialize(backend, random(1));
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const logits = await network.apply(parameters, indices(ids, [1, ids.length])).read();
    const last = Array.from(logits.slice(-vocabulary));
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

const kernels = [softmax(), gaussian({ normalize: true }), sigmoid({ bias: -2 }), polynomial({ degree: 2 }), linear()];
const styles: Partial<TransformerOptions>[] = [{ norm: "post", bias: true }, {}];

function hold(backend: () => Backend, some: readonly AttentionKernel[], few: typeof styles): void {
  it.each(some)("continues as whole passes do, with $name", async (kernel) => {
    for (const style of few) {
      const network = model(kernel, style);
      const parameters = network.initialize(backend(), random(1));
      const made = await collect(network.generate(parameters, text.slice(0, 4), { temperature: 0, count: 6 }));
      expect(made).toEqual(await likeliest(network, backend(), text.slice(0, 4), 6));
    }
  });

  it("learns a cycle, and then writes it", async () => {
    const network = model(softmax());
    const parameters = network.initialize(backend(), random(2));
    const optimizer = adam({ learningRate: 0.01 });
    const cycle = (start: number, count: number) => Array.from({ length: count }, (_, at) => (start + at) % 5);
    const ids = indices(
      [0, 1, 2].flatMap((start) => cycle(start, 10)),
      [3, 10],
    );
    const next = indices([0, 1, 2].flatMap((start) => cycle(start + 1, 10)));
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      losses.push(
        await trainStep(optimizer, parameters, (p) =>
          ops.crossEntropy(ops.reshape(network.apply(p, ids), [-1, vocabulary]), next),
        ),
      );
    }
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.1);
    expect(await collect(network.generate(parameters, [2], { temperature: 0, count: 8 }))).toEqual(cycle(3, 8));
  });
}

describe("a decoder, cpu", () => hold(() => cpu, kernels, styles));
describeGpu("a decoder, gpu", (gpu) => {
  hold(gpu, kernels.slice(0, 1), styles.slice(0, 1));

  it("frees the cache when the loop is left, and after an error", async () => {
    const network = model(softmax());
    const parameters = network.initialize(gpu(), random(1));
    const before = gpu().memory.used;
    for await (const id of network.generate(parameters, [1], { temperature: 0 })) if (id >= 0) break;
    expect(gpu().memory.used).toBe(before);
    await collect(network.generate(parameters, [1, 2], { temperature: 0 }));
    expect(gpu().memory.used).toBe(before);
  });
});

describe("a decoder", () => {
  const network = model(softmax());
  const parameters = network.initialize(cpu, random(1));

  it("knows nothing of later tokens, at any length", async () => {
    const logits = async (ids: number[]) =>
      Array.from(await network.apply(parameters, indices(ids, [1, ids.length])).read());
    const whole = await logits(text);
    expect(whole).toHaveLength(tokens * vocabulary);
    for (const length of [1, 5, 11]) {
      const part = await logits(text.slice(0, length));
      part.forEach((number, at) => expect(number).toBeCloseTo(whole[at], 12));
    }
    const changed = await logits([...text.slice(0, -1), (text.at(-1)! + 1) % vocabulary]);
    expect(changed.slice(0, -vocabulary)).toEqual(whole.slice(0, -vocabulary));
    expect(changed.slice(-vocabulary)).not.toEqual(whole.slice(-vocabulary));
  });

  it("takes a further mask", async () => {
    const at = indices(text, [1, tokens]);
    const seen = await network.apply(parameters, at, { mask: slidingWindow(1) }).read();
    expect(Array.from(seen)).not.toEqual(Array.from(await network.apply(parameters, at).read()));
  });

  it("draws by temperature and topK, the same from the same seed", async () => {
    const sharp = mapTree(parameters, (tensor, name) => (name === "head.weight" ? ops.multiply(tensor, 8) : tensor));
    const draw = (seed: number, options: object = {}) =>
      collect(network.generate(sharp, [1], { count: 11, random: random(seed), ...options }));
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
    expect(await draw(1, { topK: 1 })).toEqual(await draw(2, { temperature: 0 }));
    expect(await draw(1, { temperature: 1e-3 })).toEqual(await draw(2, { temperature: 0 }));
    // the shares of first tokens are those of the softmax
    const logits = await network.apply(sharp, indices([1], [1, 1])).read();
    const source = random(9);
    const draws = 400;
    const counts = new Array<number>(vocabulary).fill(0);
    for (let at = 0; at < draws; at++)
      counts[(await collect(network.generate(sharp, [1], { count: 1, temperature: 2, random: source })))[0]]++;
    const weights = Array.from(logits, (logit) => Math.exp(logit / 2));
    const total = weights.reduce((a, b) => a + b);
    counts.forEach((count, id) => {
      const share = weights[id] / total;
      expect(Math.abs(count / draws - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / draws) + 1e-9);
    });
  });

  it("refuses what it cannot do", async () => {
    const ask = (prompt: number[], options: object = {}) => network.generate(parameters, prompt, options);
    expect(() => ask([])).toThrow(ArgumentError);
    expect(() => ask([vocabulary], { temperature: 0 })).toThrow(/indices below 7/);
    expect(() => ask([1], { count: tokens, temperature: 0 })).toThrow(/at most 12, .* got 1 and 12 new ones/);
    expect(() => ask([1])).toThrow(/random: wanted a random stream/);
    expect(() => ask([1], { topk: 3 })).toThrow(/Did you mean topK/);
    const broken = mapTree(parameters, (tensor, name) => (name === "head.bias" ? ops.divide(tensor, 0) : tensor));
    await expect(collect(network.generate(broken, [1], { temperature: 0 }))).rejects.toThrow(NonFiniteError);
    expect(() => model(elliptical())).toThrow(
      /kernel: wanted one that sees no later tokens, got elliptical, .*causal: true/,
    );
    const metric = model(elliptical({ causal: true }));
    const first = metric.initialize(cpu, random(1));
    expect(() => metric.generate(first, [1], { temperature: 0 })).toThrow(UnsupportedError);
    const [a, b] = [text, [...text.slice(0, -1), (text.at(-1)! + 1) % vocabulary]].map((ids) =>
      metric.apply(first, indices(ids, [1, tokens])).read(),
    );
    expect((await a).slice(0, -vocabulary)).toEqual((await b).slice(0, -vocabulary));
    const positional = model(factored());
    const own = positional.initialize(cpu, random(1));
    await expect(collect(positional.generate(own, [1], { temperature: 0 }))).resolves.toHaveLength(tokens - 1);
  });
});
