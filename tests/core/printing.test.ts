import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  checkConvergence,
  cpu,
  defineKernel,
  gradcheck,
  gradcheckKernel,
  kernels,
  ops,
  softmax,
} from "../../src/index.js";
import { gpuIt } from "../support/gpu.js";

const textOf = (value: unknown): string => String(value);

/** What console.log and a template string show; both in one line. */
function shown(value: object): string {
  const text = textOf(value);
  expect(inspect(value)).toBe(text);
  expect(inspect([{ value }])).toContain(text);
  expect(text).not.toContain("\n");
  return text;
}

describe("console.log and template strings", () => {
  it("show a tensor's shape, dtype, backend and first numbers on the CPU", () => {
    expect(shown(cpu.tensor([1, -2.5, 1 / 3], [3, 1]))).toBe(
      "Tensor [3, 1] f64 on cpu (float64 on the CPU): 1, -2.5, 0.333333",
    );
    expect(shown(cpu.full(2, [100]))).toMatch(/: 2, 2, 2, 2, 2, 2, 2, 2, \.\.\.; await read\(\) gives them all$/);
    expect(shown(ops.reshape(cpu.tensor([1, 2]), [2, 1]))).toMatch(/^Tensor \[2, 1\] .*: 1, 2$/);
    const gone = cpu.tensor([1]);
    gone.dispose();
    expect(shown(gone)).toMatch(/^Tensor \[1\] f64 on cpu .*disposed$/);
    expect(shown(cpu)).toBe("Backend cpu (float64 on the CPU)");
  });

  it.each(Object.entries(kernels))("show kernel %s by its name", (_, make) => {
    const kernel = make();
    expect(shown(kernel)).toMatch(/^AttentionKernel .* \(.*\)$/);
    expect(shown(kernel)).toContain(kernel.name);
  });

  it("show what a kernel takes and learns", () => {
    expect(shown(softmax())).toBe("AttentionKernel softmax (normalizer softmax; learns scale)");
    const own = defineKernel({
      name: "own",
      parameters: { alpha: 1 },
      score: () => 0,
      partials: () => undefined,
      wgsl: "",
    });
    expect(shown(own)).toBe("AttentionKernel own (normalizer softmax; learns alpha)");
  });

  it("show a report in a sentence, and console.log all of it", async () => {
    const report = await gradcheck(({ x }) => ops.sum(ops.square(x)), { x: cpu.tensor([1, 2]) });
    expect(textOf(report)).toMatch(/^gradcheck passed: worst relative error \S+ in x \(tolerance 1e-7\)$/);
    expect(inspect(report)).toContain("directions: [");
    expect(Object.keys(report)).not.toContain("toString");
    expect(textOf(await gradcheckKernel(softmax()))).toMatch(/^gradcheckKernel softmax passed: \d+ functions agree$/);
    const matrices = [
      [
        [1, 0.5],
        [0.25, 1],
      ],
    ];
    const problem = {
      inputs: matrices,
      targets: matrices,
      weights: { query: matrices, key: matrices, value: matrices, output: matrices },
    };
    expect(textOf(checkConvergence(problem, { kernel: softmax(), trainable: ["value"] }))).toMatch(
      /^checkConvergence: (certified by|no certificate)/,
    );
  });

  gpuIt("show a Gpu and its tensors", (gpu) => {
    expect(shown(gpu)).toMatch(new RegExp(`^Gpu .* \\((software|hardware); f32.*; \\d+ bytes in use\\)$`));
    expect(shown(gpu.tensor([1, 2]))).toMatch(/^Tensor \[2\] f32 on gpu \(.*\); await read\(\) gives its numbers$/);
    gpu.dispose();
    expect(shown(gpu)).toMatch(/disposed\)$/);
  });
});
