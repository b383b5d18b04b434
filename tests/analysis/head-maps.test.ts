import { describe, expect, it } from "vitest";
import {
  attentionMap,
  cpu,
  gaussian,
  indices,
  lengths,
  softmax,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { freezeHeads, headMaps } from "../../src/analysis/index.js";
import { inputOf, load } from "../support/loaded.js";
import { decoders } from "../support/stored-models/decoders.js";
import { storedModels } from "../support/stored-models/index.js";

const [bert] = storedModels;
const [, llama] = decoders;

describe("mean attention maps", () => {
  it("are the means of the maps, and ρ their variance over squared means", async () => {
    for (const stored of [bert, llama]) {
      const model = await load(cpu, stored);
      const input = inputOf(cpu, stored);
      const all: ArrayLike<number>[] = [];
      const pending: Promise<unknown>[] = [];
      model.apply(model.parameters, input, {
        observe: ({ kernel, inputs, options }) =>
          pending.push(
            attentionMap(kernel as TiledKernel, inputs, options)
              .read()
              .then((map) => all.push(map)),
          ),
      });
      await Promise.all(pending);
      const maps = await headMaps(model, model.parameters, [{ input }]);
      expect(maps).toMatchObject({ by: "position", tokens: 5 });
      for (const [layer, heads] of maps.layers.entries())
        for (const [head, { dependence, mean, rowSum }] of heads.entries()) {
          const [one, other] = [0, 1].map((entry) =>
            Array.from({ length: 25 }, (_, at) => all[layer][(entry * 2 + head) * 25 + at]),
          );
          const means = one.map((value, at) => (value + other[at]) / 2);
          means.forEach((value, at) => expect(mean[at]).toBeCloseTo(value, 12));
          const variance = one.reduce((sum, value, at) => sum + ((value - other[at]) / 2) ** 2, 0);
          expect(dependence).toBeCloseTo(variance / means.reduce((sum, value) => sum + value ** 2, 0), 10);
          expect(dependence).toBeGreaterThan(0.001);
          expect(rowSum).toBeCloseTo(1, 12);
        }
    }
  });

  it("of one input replace its own without a change, for every kernel and in grouped heads", async () => {
    for (const kernel of [softmax(), gaussian()]) {
      const model = (await load(cpu, llama)).withKernel(kernel);
      const input = indices([1, 2, 3, 4, 5], [1, 5]);
      const maps = await headMaps(model, model.parameters, [{ input }]);
      expect(maps.layers.flat().every(({ dependence }) => dependence < 1e-12)).toBe(true);
      const wanted = await model.apply(model.parameters, input).read();
      for (const isFrozen of [() => true, (layer: number, head: number) => layer === 1 && head === 0]) {
        const got = await model.apply(model.parameters, input, { replaceHeads: freezeHeads(maps, isFrozen) }).read();
        got.forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 10));
      }
    }
  });

  it("of several inputs change what they replace, and nothing where no head is frozen", async () => {
    const model = await load(cpu, bert);
    const input = inputOf(cpu, bert);
    const maps = await headMaps(model, model.parameters, [{ input }]);
    const run = (isFrozen: () => boolean): Tensor =>
      model.apply(model.parameters, input, { replaceHeads: freezeHeads(maps, isFrozen) });
    const plain = await model.apply(model.parameters, input).read();
    expect(await run(() => false).read()).toEqual(plain);
    expect(await run(() => true).read()).not.toEqual(plain);
  });

  it("are by offset for inputs of different lengths, with rows as they were", async () => {
    const model = await load(cpu, bert);
    const input = inputOf(cpu, bert);
    const own = [5, 3];
    const maps = await headMaps(model, model.parameters, [{ input, lengths: own }]);
    expect(maps.by).toBe("offset");
    for (const { mean, rowSum } of maps.layers.flat()) {
      expect(mean).toHaveLength(9);
      expect(rowSum).toBeCloseTo(1, 12);
    }
    // padding has no effect: with the shorter input alone its tokens stay the same
    const call = (lengthsOf: number[]) => ({
      mask: lengths({ keys: lengthsOf }),
      replaceHeads: freezeHeads(maps, () => true, lengthsOf),
    });
    const both = await model.encode(model.parameters, input, call(own)).read();
    const short = indices([...(bert.input.data as number[]).slice(5, 8), 0, 0], [1, 5]);
    const alone = await model.encode(model.parameters, short, call([3])).read();
    alone.slice(0, 24).forEach((value, at) => expect(both[40 + at]).toBeCloseTo(value, 10));
  });

  it("refuse no inputs, and lengths for some", async () => {
    const model = await load(cpu, bert);
    const input = inputOf(cpu, bert);
    await expect(headMaps(model, model.parameters, [])).rejects.toThrow(/at least one/);
    await expect(headMaps(model, model.parameters, [{ input }, { input, lengths: [1, 2] }])).rejects.toThrow(
      /lengths for some/,
    );
    const other = indices([1, 2], [1, 2]);
    await expect(headMaps(model, model.parameters, [{ input }, { input: other }])).rejects.toThrow(
      /inputs of 5 tokens.*got 2/,
    );
  });
});
