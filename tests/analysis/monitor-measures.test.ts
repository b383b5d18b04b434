import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import {
  causal,
  cpu,
  gaussian,
  kernels,
  ops,
  random,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { observeTraining } from "../../src/analysis/index.js";
import { gradientDescent, multiHead } from "../../src/nn/index.js";
import {
  batch,
  columns,
  dependenceOf,
  dim,
  entropyOf,
  extremes,
  heads,
  meanOf,
  n,
  pairs,
  width,
  work,
} from "../support/attention-measures.js";
import { tokensOf } from "../support/watched-training.js";

const every = 1;
const sharp =
  (gamma: number) =>
  (r: number): number =>
    Math.exp((-gamma / 2) * r);
const layerOf = (kernel: AttentionKernel) => multiHead({ kernel, width, heads });
const target = (backend: Backend): Tensor => backend.tensor(random(7).normals(batch * n * width), [batch, n, width]);

/** The record after one step of gradient descent on a layer, and the numbers that it is about. */
async function observe(backend: Backend, kernel: AttentionKernel, mask: { mask?: ReturnType<typeof causal> } = {}) {
  const layer = layerOf(kernel);
  const parameters = layer.initialize(backend, random(2));
  const x = tokensOf(backend, 5, [batch, n, width]);
  const monitor = observeTraining(layer, { probe: x, call: mask, every });
  await monitor.step({ step: 0, parameters });
  const matricesIn = async (tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, Matrix>> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(tensors).map(async ([name, tensor]) => {
          const numbers = Array.from(await tensor.read());
          return [name, Matrix.from1DArray(width, width, numbers)] as const;
        }),
      ),
    );
  const before = await matricesIn(parameters);
  const loss = (own: typeof parameters): Tensor =>
    ops.mean(ops.square(ops.subtract(layer.apply(own, x, mask), target(backend))));
  const { value, gradients } = valueAndGrad(loss, parameters);
  gradientDescent({ stepSize: 0.5 }).step(parameters, gradients);
  const [number] = await value.read();
  const record = (await monitor.step({ step: 1, parameters, gradients, loss: number }))!;
  const slopes = await matricesIn(gradients);
  monitor.dispose();
  return { record, before, after: await matricesIn(parameters), slopes, x: Array.from(await x.read()), loss: number };
}

const near = (measured: number | undefined, expected: number, digits = 9): void => {
  expect(measured).toBeDefined();
  expect(Math.abs(Number(measured) - expected)).toBeLessThanOrEqual(10 ** -digits * Math.max(1e-3, Math.abs(expected)));
};

describe.each([
  ["softmax", softmax(), (s: number) => Math.exp(s / Math.sqrt(dim)), undefined, true, false],
  ["causal softmax", softmax(), (s: number) => Math.exp(s / Math.sqrt(dim)), undefined, true, true],
  ["gaussian", gaussian({ gamma: 0.5 }), undefined, sharp(0.5), false, false],
  ["sharp gaussian", gaussian({ gamma: 40 }), undefined, sharp(40), false, false],
] as const)("the measures of a layer with %s", (name, kernel, ofProduct, ofDistance, normalized, isCausal) => {
  const weight = (q: readonly number[], k: readonly number[]): number =>
    ofProduct === undefined
      ? ofDistance(q.reduce((sum, value, at) => sum + (value - k[at]) ** 2, 0))
      : ofProduct(q.reduce((sum, value, at) => sum + value * k[at], 0));
  const made = observe(cpu, kernel, isCausal ? { mask: causal() } : {});

  it("are those of their formulas", async () => {
    const own = await made;
    const { maps, values, attended, tokens } = work(own.after, own.x, weight, normalized, isCausal);
    const [layer] = own.record.layers;
    expect(layer).toMatchObject({ finite: true, size: n, copies: 0 });
    layer.heads.forEach((head, h) => {
      const seen = maps[h].map((map) => map.map((row, i) => (isCausal ? row.slice(0, i + 1) : row)));
      const rows = seen.flat();
      const several = rows.filter((row) => row.length > 1 && row.some((value) => value > 0));
      near(head.entropy, meanOf(several.map(entropyOf)));
      const below = rows.flat().filter((value) => value < 2 ** -126).length;
      expect(head.underflow).toBe(below / rows.flat().length);
      if (name === "sharp gaussian") expect(below).toBeGreaterThan(0);
      const squares = rows.flat().reduce((sum, value) => sum + value ** 2, 0);
      near(
        head.keySpread,
        Math.sqrt(rows.reduce((s, row) => s + row.reduce((t, w) => t + (w - meanOf(row)) ** 2, 0), 0) / squares),
      );
      if (isCausal) expect(head.rowSpread).toBeUndefined();
      else {
        const mean = (map: readonly (readonly number[])[], j: number): number => meanOf(map.map((row) => row[j]));
        const far = maps[h].reduce(
          (s, map) => s + map.reduce((t, row) => t + row.reduce((u, w, j) => u + (w - mean(map, j)) ** 2, 0), 0),
          0,
        );
        near(head.rowSpread, Math.sqrt(far / squares));
      }
      if (normalized)
        expect(head.saturated).toBe(
          several.filter((row) => row.reduce((s, p) => s + p * (1 - p), 0) < 1e-6).length / several.length,
        );
      else expect(head.saturated).toBeUndefined();
      const { largest, smallest } = extremes(new Matrix(maps[h][0]));
      // the Gram matrix loses half of the digits
      if (smallest > 1e-5 * largest) near(head.condition, largest / smallest, 4);
      else expect(head.condition).toBeGreaterThan(1e4);
      for (const part of ["query", "key", "value"] as const) {
        const expected = extremes(columns(own.after[part], h));
        near(head[part]!.largest, expected.largest);
        near(head[part]!.smallest, expected.smallest, 7);
        near(head.gradients[part], columns(own.slopes[part], h).norm("frobenius"));
      }
      near(
        head.gradients.output,
        own.slopes.output.subMatrix(h * dim, (h + 1) * dim - 1, 0, width - 1).norm("frobenius"),
      );
      const spreads = values[h].map((v) => v.clone().center("column").norm("frobenius") ** 2);
      near(
        head.valueSpread,
        Math.sqrt(spreads.reduce((a, b) => a + b) / values[h].reduce((s, v) => s + v.norm("frobenius") ** 2, 0)),
      );
      near(head.inputDependence, dependenceOf([maps[h]]));
      const uneven = maps.map((all) =>
        all[0].reduce((s, row, i) => {
          const visible = isCausal ? row.slice(0, i + 1) : row;
          return s + visible.reduce((t, w) => t + (w - meanOf(visible)) ** 2, 0);
        }, 0),
      );
      const mapFar =
        Matrix.sub(new Matrix(maps[0][0]), new Matrix(maps[1][0])).norm("frobenius") / Math.sqrt(Math.max(...uneven));
      const valueFar =
        Matrix.sub(values[0][0], values[1][0]).norm("frobenius") /
        Math.max(values[0][0].norm("frobenius"), values[1][0].norm("frobenius"));
      expect(head.twin!.head).toBe(1 - h);
      near(head.twin!.distance, Math.max(mapFar, valueFar));
    });
    near(layer.inputDependence, dependenceOf(maps));
    near(layer.attended.largest, extremes(attended[0]).largest, 7);
    near(layer.attended.smallest, extremes(attended[0]).smallest, 5);
    const added = extremes(Matrix.add(attended[0], tokens[0]));
    near(layer.withResidual.largest, added.largest, 7);
    near(layer.withResidual.smallest, added.smallest, 5);
    const cosines = attended.flatMap((rows) =>
      pairs(n).map(([i, j]) => {
        const [a, b] = [rows.getRowVector(i), rows.getRowVector(j)];
        return a.dot(b) / a.norm("frobenius") / b.norm("frobenius");
      }),
    );
    near(layer.tokenCosine, meanOf(cosines));
    const all = Array.from({ length: heads }, (__, h) => (name: string) => extremes(columns(own.after[name], h)));
    const ratio =
      Math.max(...all.flatMap((of) => [of("query").largest, of("key").largest])) /
      Math.min(...all.map((of) => of("value").smallest));
    near(layer.queryKeyOverValue, ratio, 7);
    near(layer.valueOverQueryKey, 1 / ratio, 7);
  });

  it("and those of its tensors", async () => {
    const { record, before, after, slopes, loss } = await made;
    expect(record.loss).toBe(loss);
    expect(record.weights.map(({ name }) => name)).toEqual(["query", "key", "value", "output"]);
    for (const { name, shape, norm, gradient, update } of record.weights) {
      expect(shape).toEqual([width, width]);
      near(norm, after[name].norm("frobenius"));
      near(gradient, slopes[name].norm("frobenius"));
      near(update, Matrix.sub(after[name], before[name]).norm("frobenius") / before[name].norm("frobenius"));
    }
    const whole = (of: (name: string) => Matrix): number =>
      Math.hypot(...Object.keys(before).map((name) => of(name).norm("frobenius")));
    near(
      record.gradient,
      whole((name) => slopes[name]),
    );
    near(
      record.norm,
      whole((name) => after[name]),
    );
    near(record.update, whole((name) => Matrix.sub(after[name], before[name])) / whole((name) => before[name]));
  });
});

describe("a record", () => {
  it.each(Object.keys(kernels))("is made for %s", async (name) => {
    const kernel = kernels[name]();
    if ((kernel.inputs ?? []).some(({ fixed }) => fixed)) return;
    const layer = multiHead({ kernel, width, heads, tokens: n });
    const monitor = observeTraining(layer, { probe: tokensOf(cpu, 5, [batch, n, width]) });
    await monitor.step({ step: 0, parameters: layer.initialize(cpu, random(2)) });
    const [{ finite, heads: own }] = monitor.records[0].layers;
    expect(finite).toBe(true);
    expect(own).toHaveLength(heads);
    // the output of a norm is not linear in the values, so that it has no map
    expect(own.every(({ rank }) => (rank === undefined) === (name === "differential"))).toBe(true);
  });

  it("needs no gradients, takes those of its own loss, and is made where it is due or the loss is NaN", async () => {
    const layer = layerOf(softmax());
    const parameters = layer.initialize(cpu, random(2));
    const probe = tokensOf(cpu, 5, [batch, n, width]);
    const monitor = observeTraining(layer, { probe, every: 4 });
    for (let step = 1; step <= 9; step++) await monitor.step({ step, parameters, loss: step === 6 ? NaN : 1 });
    expect(monitor.records.map(({ step }) => step)).toEqual([1, 4, 6, 8]);
    expect(monitor.records[1].gradient).toBeUndefined();
    const loss = (own: typeof parameters): Tensor => ops.mean(ops.square(layer.apply(own, probe)));
    const other = observeTraining(layer, { probe, every: 4, loss, records: monitor.records });
    expect([8, 9].map((step) => other.isDue(step))).toEqual([true, false]);
    await other.step({ step: 12, parameters });
    expect(other.records).toHaveLength(5);
    const { value, gradients } = valueAndGrad(loss, parameters);
    near(other.records[4].loss, (await value.read())[0]);
    near(other.records[4].weights[0].gradient, Math.hypot(...(await gradients.query.read())));
  });

  it("of a model without observe is refused", async () => {
    const layer = layerOf(softmax());
    const hiding = { apply: (own: ReturnType<typeof layer.initialize>, x: Tensor): Tensor => layer.apply(own, x) };
    const monitor = observeTraining(hiding, { probe: tokensOf(cpu, 5, [batch, n, width]) });
    await expect(monitor.step({ step: 1, parameters: layer.initialize(cpu, random(2)) })).rejects.toThrow(
      /wanted one whose apply calls observe/,
    );
  });

  it("leaves the training as it is, and no tensors behind", async () => {
    const x = tokensOf(cpu, 5, [batch, n, width]);
    const train = async (watched: boolean): Promise<number[]> => {
      const layer = layerOf(softmax());
      const parameters = layer.initialize(cpu, random(2));
      const monitor = observeTraining(layer, { probe: x, every: 2 });
      const optimizer = gradientDescent({ stepSize: 0.1 });
      for (let step = 1; step <= 4; step++) {
        const { gradients } = valueAndGrad((own) => ops.mean(ops.square(layer.apply(own, x))), parameters);
        optimizer.step(parameters, gradients);
        if (watched) void monitor.step({ step, parameters, gradients });
      }
      return Array.from(await parameters.query.read());
    };
    expect(await train(true)).toEqual(await train(false));
    expect(x.disposed).toBe(false);
  });
});
