import { expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { cases } from "../support/cases.js";
import { expectAsExactAsFloat32, outputAndGradients } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";

describeGpu("operations on the GPU", (gpu) => {
  it.each(cases.map((testCase) => [testCase.name, testCase] as const))("%s is as exact as float32, gradients too", async (_, testCase) => {
    const exact = await outputAndGradients(cpu, testCase);
    const naive = await outputAndGradients(naiveFloat32, testCase);
    expectAsExactAsFloat32(await outputAndGradients(gpu(), testCase), naive, exact);
  });

  it("notices a result that is off by the third digit", async () => {
    const testCase = cases.find(({ name }) => name === "matmul")!;
    const exact = await outputAndGradients(cpu, testCase);
    const naive = await outputAndGradients(naiveFloat32, testCase);
    const wrong = { ...naive, output: Array.from(naive["output"]!, (value) => value * 1.001) };
    expect(() => expectAsExactAsFloat32(wrong, naive, exact)).toThrow(/output: error/);
  });
});
