import { describe, expect, it } from "vitest";
import { cpu, gaussian, indices, ops, random, softmax, type AttentionKernel, type Tensor } from "../../src/index.js";
import { trainingWarnings, type TrainingMonitor } from "../../src/analysis/index.js";
import { adam, decoder, encoder, multiHead, sgd, type EncoderParameters, type Optimizer } from "../../src/nn/index.js";
import type { ParameterTree } from "../../src/core/tensor.js";
import { meanSquare, rewrite, sequences, tokensOf, watch, type Watched } from "../support/watched-training.js";

const [batch, tokens, width, heads] = [8, 8, 16, 2];
const dim = width / heads;
const every = 5;

/** An encoder that learns to classify sequences by their first id. */
async function classify(
  change: {
    readonly kernel?: AttentionKernel;
    readonly optimizer?: Optimizer;
    readonly steps?: number;
    readonly norm?: "pre" | "post";
    readonly plant?: (parameters: EncoderParameters) => Promise<void>;
    readonly spoil?: (loss: Tensor, step: number) => Tensor;
  } & Pick<Watched<EncoderParameters, unknown>, "trains"> = {},
): Promise<TrainingMonitor<EncoderParameters>> {
  const {
    kernel = softmax(),
    optimizer = adam({ learningRate: 3e-3 }),
    steps = 40,
    norm,
    plant,
    spoil,
    trains,
  } = change;
  const model = encoder({ kernel, vocabulary: 6, classes: 2, tokens, width, hidden: 16, heads, layers: 2, norm });
  const parameters = model.initialize(cpu, random(1));
  await plant?.(parameters);
  return watch({
    model,
    parameters,
    options: { probe: sequences(999, 4, tokens).ids, every },
    optimizer,
    steps,
    trains,
    loss(own, step) {
      const { ids, labels } = sequences(step, batch, tokens);
      const loss = ops.crossEntropy(model.apply(own, ids), labels);
      return spoil === undefined ? loss : spoil(loss, step);
    },
  });
}

/** A layer of attention that learns a random target from tokens. */
function regress(
  x: Tensor,
  change: {
    readonly plant?: (parameters: Readonly<Record<string, Tensor>>) => Promise<void>;
    readonly trains?: RegExp;
  } = {},
) {
  const layer = multiHead({ kernel: softmax(), width, heads });
  const parameters = layer.initialize(cpu, random(1));
  const target = cpu.tensor(random(7).normals(x.size), x.shape);
  const planted = change.plant?.(parameters) ?? Promise.resolve();
  return planted.then(() =>
    watch({
      model: layer,
      parameters,
      options: { probe: x, every, ignore: change.trains === undefined ? [] : ["frozen"] },
      optimizer: adam({ learningRate: 3e-3 }),
      steps: 20,
      loss: (own) => meanSquare(ops.subtract(layer.apply(own, x), target)),
      trains: (path) => change.trains?.test(path) ?? true,
    }),
  );
}

const namesOf = ({ warnings }: TrainingMonitor<never>): string[] =>
  [...new Set(warnings.map(({ name }) => name))].sort();
const about = (monitor: TrainingMonitor<never>, name: string) =>
  monitor.warnings
    .filter((warning) => warning.name === name)
    .map(({ layer, head, weight, since }) => ({ layer, head, weight, since }));
const first = async <Parameters extends ParameterTree>(made: Promise<TrainingMonitor<Parameters>>) =>
  (await made) as unknown as TrainingMonitor<never>;

describe("a planted fault is found, where it is and since when, and nothing else is said", () => {
  it("a frozen W^V", async () => {
    const monitor = await first(classify({ trains: (path) => path !== "layers.1.attention.value" }));
    expect(namesOf(monitor)).toEqual(["frozen"]);
    expect(about(monitor, "frozen")).toEqual([
      { layer: undefined, head: undefined, weight: "layers.1.attention.value", since: 5 },
    ]);
    expect(monitor.lines()[0]).toMatch(
      /^layers\.1\.attention\.value does not move since step 5, while others do; it has/,
    );
  });

  it("equal values", async () => {
    const plant = ({ value }: Readonly<Record<string, Tensor>>): Promise<void> =>
      // only the constant 1 is read
      rewrite(value, (numbers) => numbers.map((number, at) => (at < width ? number : 0)));
    const monitor = await first(regress(tokensOf(cpu, 3, [4, 6, width]), { plant, trains: /query|key|output/ }));
    expect(namesOf(monitor)).toEqual(["valuesEqual"]);
    expect(about(monitor, "valuesEqual").map(({ head }) => head)).toEqual([0, 1]);
    expect(monitor.lines()[0]).toMatch(
      /^Layer 1, head 1: all value rows nearly equal since step 1 \(.*query gradient is/,
    );
  });

  it("rank lost by repeated tokens", async () => {
    const [own, copy] = [tokensOf(cpu, 3, [4, 5, width]), tokensOf(cpu, 3, [4, 5, width])];
    const monitor = await first(regress(ops.concat([own, copy], 1)));
    expect(namesOf(monitor)).toEqual(["rankLost"]);
    expect(monitor.lines()[0]).toMatch(
      /^Layer 1: 5 of 10 tokens are copies of others since step 1, and the kernel matrix has rank 5 of 10/,
    );
  });

  it("a gamma that is too large", async () => {
    const monitor = await first(classify({ kernel: gaussian({ gamma: 500 }) }));
    expect(namesOf(monitor)).toEqual(["underflow"]);
    expect(about(monitor, "underflow").map(({ layer, head }) => [layer, head])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    expect(monitor.lines()[0]).toMatch(
      /^Layer 1, head 1: \d+ % of its weights are below float32's smallest since step 1/,
    );
  });

  it("scores of ±50", async () => {
    const monitor = await first(
      classify({
        plant: (parameters) =>
          rewrite(parameters.layers[0].attention.query, (numbers) => numbers.map((number) => 60 * number)),
      }),
    );
    expect(namesOf(monitor)).toEqual(["saturated"]);
    expect(about(monitor, "saturated").map(({ layer }) => layer)).toEqual([0, 0]);
  });

  it("duplicated heads", async () => {
    const double = (numbers: Float64Array): Float64Array =>
      numbers.map((_, at) => numbers[at - (at % width) + (at % dim)]);
    const monitor = await first(
      classify({
        async plant({ layers }) {
          const { query, key, value, output } = layers[1].attention;
          for (const tensor of [query, key, value]) await rewrite(tensor, double);
          await rewrite(output, (numbers) => numbers.map((_, at) => numbers[at % (dim * width)]));
        },
      }),
    );
    expect(namesOf(monitor)).toEqual(["headsAlike"]);
    expect(about(monitor, "headsAlike")).toEqual([{ layer: 1, head: 0, weight: undefined, since: 1 }]);
    expect(monitor.lines()[0]).toMatch(/^Layer 2, head 1 and head 2 have the same attention and values since step 1/);
  });

  it("NaN on the way", async () => {
    const monitor = await first(
      classify({
        spoil: (loss, step) => (step === 17 ? ops.multiply(loss, ops.log(cpu.full(-1, []))) : loss),
      }),
    );
    expect(namesOf(monitor)).toEqual(["notFinite"]);
    expect(monitor.records.map(({ step }) => step).slice(0, 6)).toEqual([1, 5, 10, 15, 17, 20]);
    expect(monitor.warnings[0].since).toBe(17);
    expect(monitor.lines()[0]).toMatch(/^NaN or infinity since step 17: the loss is NaN; \d+ of 30 parameter tensors/);
  });

  it.each([
    ["Adam", () => adam({ learningRate: 1 })],
    ["gradient descent with momentum", () => sgd({ learningRate: 30 })],
  ])("a learning rate far too large, %s", async (_, optimizer) => {
    const monitor = await first(classify({ optimizer: optimizer(), steps: 20 }));
    expect(namesOf(monitor)).toContain("rateTooLarge");
    expect(monitor.lines().join("\n")).toMatch(
      /^The weights (change|grow) by [\d.e+]+ of themselves .* Lower the learning/m,
    );
  });
});

describe("a healthy training raises nothing", () => {
  const kernels = { softmax: softmax(), gaussian: gaussian() };
  it.each([
    ["softmax", "pre", () => adam({ learningRate: 3e-3 })],
    ["gaussian", "pre", () => adam({ learningRate: 3e-3 })],
    ["softmax", "post", () => adam({ learningRate: 2e-3 })],
  ] as const)("an encoder with %s, %s-norm", async (kernel, norm, optimizer) => {
    const monitor = await first(classify({ kernel: kernels[kernel], norm, optimizer: optimizer(), steps: 100 }));
    expect(monitor.lines()).toEqual([]);
    const losses = monitor.records.map(({ loss }) => Number(loss));
    expect(losses[losses.length - 1]).toBeLessThan(0.6 * losses[0]);
  });

  it("a decoder", async () => {
    const model = decoder({ kernel: softmax(), vocabulary: 6, tokens, width, hidden: 16, heads, layers: 2 });
    const parameters = model.initialize(cpu, random(1));
    /** Ids that count up from a random one. */
    const counting = (seed: number) => {
      const source = random(seed);
      const starts = Array.from({ length: batch }, () => source.integer(6));
      const ids = (shift: number): number[] =>
        starts.flatMap((start) => Array.from({ length: tokens }, (_, at) => (start + at + shift) % 6));
      return { ids: indices(ids(0), [batch, tokens]), next: indices(ids(1)) };
    };
    const monitor = await first(
      watch({
        model,
        parameters,
        options: { probe: counting(999).ids, every },
        optimizer: adam({ learningRate: 3e-3 }),
        steps: 60,
        loss(own, step) {
          const { ids, next } = counting(step);
          return ops.crossEntropy(ops.reshape(model.apply(own, ids), [-1, 6]), next);
        },
      }),
    );
    expect(monitor.lines()).toEqual([]);
    expect(monitor.records.at(-1)!.loss).toBeLessThan(0.5);
  });
});

it("warnings follow from records as JSON", async () => {
  const monitor = await first(classify({ kernel: gaussian({ gamma: 500 }), steps: 10 }));
  const stored = JSON.parse(JSON.stringify(monitor.records)) as typeof monitor.records;
  expect(trainingWarnings(stored)).toEqual(monitor.warnings);
});
