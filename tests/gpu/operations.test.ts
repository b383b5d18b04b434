import { expect, it } from "vitest";
import { cpu, ops, type Backend, type Tensor } from "../../src/index.js";
import { cases } from "../support/cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";

describeGpu("operations on the GPU", (gpu) => {
  it.each(cases.map((testCase) => [testCase.name, testCase] as const))(
    "%s is as exact as float32, gradients too",
    async (_, testCase) => {
      const on = (backend: Backend) =>
        draws(drawsFor(testCase), 1, (seed) => outputAndGradients(backend, testCase, seed));
      expectAsExactAsFloat32(await on(gpu()), await on(naiveFloat32), await on(cpu));
    },
  );

  it("folds more workgroups than a dimension holds: the last elements are right", async () => {
    const last = (x: Tensor): Tensor => ops.slice(x, 0, x.shape[0] - 1, 1);
    const results = gpu().scope(() => {
      const long = ops.add(gpu().full(1, [4 * 64 * 65_535 + 4]), 2);
      const tall = ops.matmul(gpu().full(1, [8 * 65_535 + 1, 4]), gpu().tensor([1, 2, 3, 4], [4, 1]));
      const many = ops.matmul(gpu().full(2, [65_537, 1, 1]), gpu().full(3, [65_537, 1, 1]));
      return [last(long), last(tall), last(many)];
    });
    expect(await Promise.all(results.map((x) => x.read()))).toEqual([
      Float32Array.of(3),
      Float32Array.of(10),
      Float32Array.of(6),
    ]);
  });

  it("notices a result that is off by the third digit", async () => {
    const testCase = cases.find(({ name }) => name === "matmul")!;
    const exact = await outputAndGradients(cpu, testCase);
    const naive = await outputAndGradients(naiveFloat32, testCase);
    const wrong = { ...naive, output: Array.from(naive["output"], (value) => value * 1.001) };
    expect(() => expectAsExactAsFloat32([wrong], [naive], [exact])).toThrow(/output, mean error/);
  });
});
