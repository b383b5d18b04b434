import { describe, expect, it } from "vitest";
import {
  attentionMap,
  causal,
  cpu,
  elliptical,
  ellipticalMetric,
  gradcheck,
  indices,
  mahalanobis,
  ops,
  pairwise,
  random,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Backend,
  type Indices,
  type Tensor,
} from "../../src/index.js";
import { encoder, mapTree, multiHead, type LayerTrace } from "../../src/nn/index.js";

const [batch, tokens, vocabulary, classes, width, heads] = [2, 5, 11, 3, 8, 2];
const model = (kernel: AttentionKernel, layers = 3) =>
  encoder({ kernel, vocabulary, classes, tokens, width, hidden: 8, heads, layers });
const source = random(5);
const ids = indices(
  Int32Array.from({ length: batch * tokens }, () => source.integer(vocabulary)),
  [batch, tokens],
);
const places = indices([0, 3, 9]);

/** Ids with the last token of every sequence changed. */
const changed: Indices = indices(
  ids.values.map((id, at) => (at % tokens === tokens - 1 ? (id + 1) % vocabulary : id)),
  [batch, tokens],
);

describe("an encoder", () => {
  it.each([softmax(), elliptical(), mahalanobis(), pairwise()])(
    "has logits of single tokens whose mean is that of the sequence, $name",
    async (kernel) => {
      const encoding = model(kernel);
      const parameters = encoding.initialize(cpu, random(1));
      const all = await encoding
        .tokenLogits(parameters, ids, indices(Array.from({ length: batch * tokens }, (_, place) => place)))
        .read();
      const whole = await encoding.apply(parameters, ids).read();
      whole.forEach((logit, at) => {
        const [row, label] = [Math.floor(at / classes), at % classes];
        const own = Array.from({ length: tokens }, (_, token) => all[(row * tokens + token) * classes + label]);
        expect(own.reduce((a, b) => a + b) / tokens).toBeCloseTo(logit, 12);
      });
      const some = await encoding.tokenLogits(parameters, ids, places).read();
      expect(Array.from(some)).toEqual(
        Array.from(places.values).flatMap((place) => Array.from(all.subarray(place * classes, (place + 1) * classes))),
      );
    },
  );

  it.each([softmax(), elliptical({ causal: true }), mahalanobis({ normalize: true })])(
    "with a causal mask knows nothing of later tokens, $name",
    async (kernel) => {
      const encoding = model(kernel);
      const parameters = encoding.initialize(cpu, random(1));
      const logits = async (input: Indices, at: number) =>
        Array.from(await encoding.tokenLogits(parameters, input, indices([at]), { mask: causal() }).read());
      expect(await logits(changed, tokens - 2)).toEqual(await logits(ids, tokens - 2));
      expect(await logits(changed, tokens - 1)).not.toEqual(await logits(ids, tokens - 1));
    },
  );

  it("learns through token logits under a mask", async () => {
    const encoding = model(pairwise(), 1);
    const loss = (parameters: ReturnType<typeof encoding.initialize>): Tensor =>
      ops.crossEntropy(encoding.tokenLogits(parameters, ids, places, { mask: causal() }), indices([0, 2, 1]));
    const report = await gradcheck(loss, encoding.initialize(cpu, random(2)), { directions: 1 });
    expect(report.worst).toMatchObject({ passed: true });
  });
});

describe("the metric between layers", () => {
  const observed = (kernel: AttentionKernel, mask = causal()) => {
    const layers: LayerTrace[] = [];
    const encoding = model(kernel);
    encoding.apply(encoding.initialize(cpu, random(1)), ids, { mask, observe: (layer) => layers.push(layer) });
    return layers;
  };

  it("is the identity in the first layer, then the mean change of the values by an explicit loop", async () => {
    const layers = observed(elliptical());
    expect(Array.from(await layers[0].inputs["metric"].read())).toEqual(Array<number>(batch * width).fill(1));
    const dim = width / heads;
    for (const layer of [1, 2]) {
      const [now, before, metric] = await Promise.all(
        [layers[layer].inputs.v, layers[layer - 1].inputs.v, layers[layer].inputs["metric"]].map((tensor) =>
          tensor.read(),
        ),
      );
      for (let head = 0; head < batch * heads; head++) {
        const change = Array.from({ length: dim }, (_, c) => {
          let sum = 0;
          for (let token = 0; token < tokens; token++)
            sum += Math.abs(now[(head * tokens + token) * dim + c] - before[(head * tokens + token) * dim + c]);
          return sum / tokens;
        });
        change.forEach((value, c) => expect(metric[head * dim + c]).toBeCloseTo(value / Math.max(...change), 12));
      }
    }
  });

  it.each([5, 8])("is the lower median of the changes of %d tokens, if that is the estimator", async (count) => {
    const draw = (backend: Backend, seed: number): Tensor =>
      backend.tensor(random(seed).normals(2 * count * 3), [1, 2, count, 3]);
    const changes = Array.from(await ops.abs(ops.subtract(draw(cpu, 1), draw(cpu, 2))).read());
    const medians = [0, 1].map((head) =>
      [0, 1, 2].map((c) => {
        const own = changes.filter((_, at) => Math.floor(at / (3 * count)) === head && at % 3 === c);
        return own.sort((a, b) => a - b)[Math.ceil(count / 2) - 1];
      }),
    );
    const wanted = medians.flatMap((own) => own.map((value) => value / Math.max(...own)));
    const metric = await ellipticalMetric(draw(cpu, 1), draw(cpu, 2), { estimator: "median" }).read();
    wanted.forEach((value, at) => expect(metric[at]).toBeCloseTo(value, 8));
    expect(() => elliptical({ causal: true, estimator: "median" })).toThrow(/estimator: wanted "mean" for a causal/);
    const layers = observed(elliptical({ estimator: "median" }));
    const [now, before] = [layers[1].inputs.v, layers[0].inputs.v];
    expect(await layers[1].inputs["metric"].read()).toEqual(
      await ellipticalMetric(now, before, { estimator: "median" }).read(),
    );
  });

  it("is that of no change where most tokens do not change", async () => {
    const values = cpu.tensor([0, 0, 0, 0, 0, 2, 1, 3], [1, 1, 4, 2]);
    const metric = async (few: Tensor) => ellipticalMetric(few, cpu.full(0, few.shape), { estimator: "median" }).read();
    expect(Array.from(await metric(values))).toEqual([NaN, NaN]); // 0 over 0, as for a mean of 0
    expect(Array.from(await metric(ops.add(values, cpu.tensor([0, 1], [2]))))).toEqual([0, 1]);
  });

  it("shows a change that is not a number", async () => {
    const values = ops.sqrt(cpu.tensor([1, 2, -1, 4, 5, 6], [1, 1, 3, 2]));
    const metric = await ellipticalMetric(values, cpu.full(0, [1, 1, 3, 2]), { estimator: "median" }).read();
    expect(Array.from(metric).every(Number.isNaN)).toBe(true);
  });

  it("of the last token is, if causal, that of all tokens", async () => {
    const draw = (seed: number): Tensor =>
      cpu.tensor(random(seed).normals(batch * heads * tokens * 4), [batch, heads, tokens, 4]);
    const [values, previous] = [draw(1), draw(2)];
    const each = await ellipticalMetric(values, previous, { causal: true }).read();
    const all = await ellipticalMetric(values, previous).read();
    all.forEach((value, at) =>
      expect(each[(Math.floor(at / 4) * tokens + tokens - 1) * 4 + (at % 4)]).toBeCloseTo(value, 12),
    );
  });

  it("reproduces dot-product attention where it is the identity", async () => {
    const layer = multiHead({ kernel: elliptical(), width, heads });
    const x = cpu.tensor(random(3).normals(batch * tokens * width), [batch, tokens, width]);
    const parameters = layer.initialize(cpu, random(1));
    const round = layer.apply(parameters, x, { inputs: { metric: cpu.full(1, [batch, heads, width / heads]) } });
    expect(await round.read()).toEqual(
      await multiHead({ kernel: softmax(), width, heads }).apply(parameters, x).read(),
    );
    // so does an encoder of one layer
    const [one, other] = [model(elliptical(), 1), model(softmax(), 1)];
    const weights = one.initialize(cpu, random(1));
    expect(await one.apply(weights, ids).read()).toEqual(await other.apply(weights, ids).read());
  });

  it("gets no gradient", async () => {
    const draw = (seed: number): Tensor => cpu.tensor(random(seed).normals(48), [2, 2, 3, 4]);
    const [q, k, v] = [draw(1), draw(2), draw(3)];
    const metric = cpu.full(0.5, [2, 2, 3, 4]);
    const loss = (p: { q: Tensor; metric: Tensor }): Tensor =>
      ops.sum(ops.square(attentionMap(elliptical({ causal: true }), { ...p, k, v })));
    const { gradients } = valueAndGrad(loss, { q, metric });
    expect(Array.from(await gradients.metric.read())).toEqual(Array<number>(48).fill(0));
    expect((await gradients.q.read()).some((slope) => slope !== 0)).toBe(true);
    expect(
      (await gradcheck((p: { q: Tensor }) => loss({ ...p, metric }), { q }, { directions: 1 })).worst,
    ).toMatchObject({ passed: true });
  });
});

it("an attention map has the weights of every head", async () => {
  const draw = (seed: number): Tensor => cpu.tensor(random(seed).normals(2 * tokens * 4), [1, 2, tokens, 4]);
  const inputs = { q: draw(1), k: draw(2), v: draw(3) };
  const map = await attentionMap(softmax(), inputs, { mask: causal() }).read();
  const [q, k] = [await inputs.q.read(), await inputs.k.read()];
  for (let row = 0; row < 2 * tokens; row++) {
    const [head, i] = [Math.floor(row / tokens), row % tokens];
    const weights = Array.from({ length: tokens }, (_, j) => {
      let product = 0;
      for (let c = 0; c < 4; c++) product += q[row * 4 + c] * k[(head * tokens + j) * 4 + c];
      return j <= i ? Math.exp(product / 2) : 0;
    });
    const total = weights.reduce((a, b) => a + b);
    weights.forEach((weight, j) => expect(map[row * tokens + j]).toBeCloseTo(weight / total, 12));
  }
});

describe("the layers of an encoder", () => {
  const build = (options: Partial<Parameters<typeof encoder>[0]>) =>
    encoder({ kernel: softmax(), vocabulary, classes, tokens, width, hidden: 8, heads, layers: 2, ...options });
  const numbersOf = async (tensor: Tensor) => Array.from(await tensor.read());

  it("drop only in a call with a random stream, the same from the same seed", async () => {
    const [plain, dropping] = [build({}), build({ dropout: 0.3 })];
    const parameters = plain.initialize(cpu, random(1));
    const seen = await numbersOf(plain.apply(parameters, ids));
    const draw = (seed: number) => numbersOf(dropping.apply(parameters, ids, { random: random(seed) }));
    expect(await numbersOf(dropping.apply(parameters, ids))).toEqual(seen);
    expect(await numbersOf(plain.apply(parameters, ids, { random: random(1) }))).toEqual(seen);
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
    expect(await draw(1)).not.toEqual(seen);
    const loss = (all: typeof parameters): Tensor =>
      ops.sum(ops.square(dropping.apply(all, ids, { random: random(3) })));
    // small embeddings bend the norm too much for differences
    const large = mapTree(parameters, (tensor, name) => (/^[ep]/.test(name) ? ops.multiply(tensor, 50) : tensor));
    expect((await gradcheck(loss, large, { directions: 1 })).worst).toMatchObject({ passed: true });
  });

  it("normalise after each part with norm: post, before it with norm: pre", async () => {
    for (const norm of ["pre", "post"] as const) {
      const network = build({ norm });
      const parameters = network.initialize(cpu, random(1));
      const means: number[] = [];
      const observe = ({ tokens: x }: LayerTrace): void => void traced.push(x);
      const traced: Tensor[] = [];
      network.apply(parameters, ids, { observe });
      for (const x of traced) means.push(...(await numbersOf(ops.mean(ops.square(x), -1))));
      const isNormal = means.every((square) => Math.abs(square - 1) < 1e-3);
      expect(isNormal).toBe(norm === "post");
      expect(means).toHaveLength(2 * batch * tokens);
    }
  });

  it("add a bias to every projection", async () => {
    const network = build({ bias: true });
    const parameters = network.initialize(cpu, random(1));
    const { queryBias, keyBias, valueBias, outputBias } = parameters.layers[0].attention;
    expect([queryBias, keyBias, valueBias, outputBias].map(({ shape }) => shape)).toEqual([[8], [8], [8], [8]]);
    const { gradients } = valueAndGrad((p) => ops.sum(ops.square(network.apply(p, ids))), parameters);
    for (const name of ["queryBias", "valueBias", "outputBias"])
      expect((await numbersOf(gradients.layers[0].attention[name])).some((slope) => Math.abs(slope) > 1e-9)).toBe(true);
    // a shift of every key shifts the scores of a query alike
    for (const slope of await numbersOf(gradients.layers[0].attention.keyBias)) expect(slope).toBeCloseTo(0, 12);
    const heart = multiHead({ kernel: softmax(), width, heads, bias: true });
    const x = cpu.tensor(random(4).normals(batch * tokens * width), [batch, tokens, width]);
    const own = heart.initialize(cpu, random(5));
    const shifted = { ...own, outputBias: cpu.full(2, [width]) };
    const [before, after] = [await numbersOf(heart.apply(own, x)), await numbersOf(heart.apply(shifted, x))];
    after.forEach((number, at) => expect(number - before[at]).toBeCloseTo(2, 12));
  });
});
