import { expect, it } from "vitest";
import { cpu, type Backend } from "../../src/index.js";
import { cases } from "../support/cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";

describeGpu("operations on the GPU", (gpu) => {
  it.each(cases.map((testCase) => [testCase.name, testCase] as const))("%s is as exact as float32, gradients too", async (_, testCase) => {
    const on = (backend: Backend) => draws(drawsFor(testCase), 1, (seed) => outputAndGradients(backend, testCase, seed));
    expectAsExactAsFloat32(await on(gpu()), await on(naiveFloat32), await on(cpu));
  });

  it("notices a result that is off by the third digit", async () => {
    const testCase = cases.find(({ name }) => name === "matmul")!;
    const exact = await outputAndGradients(cpu, testCase);
    const naive = await outputAndGradients(naiveFloat32, testCase);
    const wrong = { ...naive, output: Array.from(naive["output"], (value) => value * 1.001) };
    expect(() => expectAsExactAsFloat32([wrong], [naive], [exact])).toThrow(/output, mean error/);
  });
});
