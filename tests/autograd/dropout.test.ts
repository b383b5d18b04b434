import { describe, expect, it } from "vitest";
import { ArgumentError, cpu, ops, valueAndGrad, type Backend } from "../../src/index.js";
import { describeGpu } from "../support/gpu.js";

const COUNT = 20_000;
const ones = (backend: Backend) => backend.full(1, [COUNT]);
const numbersOf = async (backend: Backend, options: { rate: number; seed: number }) =>
  Array.from(await ops.dropout(ones(backend), options).read());

describe("dropout", () => {
  it.each([0.1, 0.5, 0.9])("drops the share %d of the elements, and keeps the mean", async (rate) => {
    for (const seed of [0, 1, 2 ** 32 - 1]) {
      const numbers = await numbersOf(cpu, { rate, seed });
      const dropped = numbers.filter((number) => number === 0).length / COUNT;
      expect(Math.abs(dropped - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / COUNT));
      expect(new Set(numbers)).toEqual(new Set([0, 1 / (1 - rate)]));
    }
  });

  it("drops independently: by seed, and of neighbours", async () => {
    const [a, b] = [await numbersOf(cpu, { rate: 0.5, seed: 1 }), await numbersOf(cpu, { rate: 0.5, seed: 2 })];
    const share = (pairs: readonly boolean[]): number => pairs.filter(Boolean).length / pairs.length;
    const both = [a.map((x, i) => x === 0 && b[i] === 0), a.slice(1).map((x, i) => x === 0 && a[i] === 0)];
    for (const pairs of both) expect(Math.abs(share(pairs) - 0.25)).toBeLessThan(4 * Math.sqrt(0.1875 / COUNT));
  });

  it("does nothing at rate 0, and refuses other rates and seeds", async () => {
    expect(new Set(await numbersOf(cpu, { rate: 0, seed: 5 }))).toEqual(new Set([1]));
    for (const wrong of [{ rate: 1 }, { rate: -0.1 }, { rate: NaN }, { seed: 2 ** 32 }, { seed: -1 }, { seed: 0.5 }])
      expect(() => ops.dropout(ones(cpu), { rate: 0.5, seed: 1, ...wrong })).toThrow(ArgumentError);
  });

  it("drops the same in the gradient", async () => {
    const options = { rate: 0.4, seed: 9 };
    const { gradients } = valueAndGrad(({ x }) => ops.sum(ops.dropout(x, options)), { x: ones(cpu) });
    expect(Array.from(await gradients.x.read())).toEqual(await numbersOf(cpu, options));
  });
});

describeGpu("dropout, gpu", (gpu) => {
  it("drops the elements that the CPU drops", async () => {
    for (const options of [
      { rate: 0.3, seed: 0 },
      { rate: 0.75, seed: 3_000_000_001 },
    ]) {
      const [onCpu, onGpu] = [await numbersOf(cpu, options), await numbersOf(gpu(), options)];
      expect(onGpu.map((number) => number === 0)).toEqual(onCpu.map((number) => number === 0));
    }
  });
});
