import { describe, expect, it } from "vitest";
import { attention, cpu, gaussian, softmax, type TiledKernel, type Backend, type Tensor } from "../../src/index.js";
import { expectAsExactAsFloat32 } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

/** Output column 0 in float64; column 1 is its negative. Derived for this project and checked numerically. */
const golden: readonly (readonly [string, string, TiledKernel, readonly [number, number, number]])[] = [
  ["softmax", "softmax", softmax(), [0.779507602223, 0.817414928046, 1.027520493594]],
  ["gaussian", "gaussian, γ = 1/√d", gaussian(), [1.111036293993, 1.530639262596, 2.588472742166]],
  ["gaussian", "gaussian, γ = 2/√d", gaussian({ gamma: Math.SQRT2 }), [0.549287073615, 0.95315478656, 2.249331924202]],
  ["gaussianNormalized", "gaussian, row-normalised", gaussian({ normalize: true }), [0.78967645034, 0.826797482671, 1.028296082130]],
];

/** n = 3, d = 2: Q = sin(1 + i + c/2), K = cos(.3 + .7i + 1.1c), V = (i + 1)(-1)^c / 2. */
function inputs(backend: Backend): { q: Tensor; k: Tensor; v: Tensor } {
  const matrix = (element: (i: number, c: number) => number): Tensor =>
    backend.tensor(Float64Array.from({ length: 6 }, (_, index) => element(Math.floor(index / 2), index % 2)), [1, 1, 3, 2]);
  return {
    q: matrix((i, c) => Math.sin(1 + i + 0.5 * c)),
    k: matrix((i, c) => Math.cos(0.3 + 0.7 * i + 1.1 * c)),
    v: matrix((i, c) => ((i + 1) * (-1) ** c) / 2),
  };
}

const both = (column: readonly number[]): number[] => column.flatMap((value) => [value, -value]);

describe("golden values on the CPU", () => {
  it.each(golden)("%s: %s", async (_name, _title, kernel, column) => {
    const output = await attention(kernel, inputs(cpu)).read();
    both(column).forEach((value, index) => expect(Math.abs(output[index] - value)).toBeLessThan(1e-11));
  });
});

describeGpu("golden values on the GPU", (gpu) => {
  it.each(golden)("%s: %s", async (name, _title, kernel, column) => {
    const parameter = kernel.parameters[0];
    const naive = { ...inputs(naiveFloat32), [parameter.name]: naiveFloat32.tensor([parameter.initial({ heads: 1, queries: 3, keys: 3, dim: 2 })]) };
    expectAsExactAsFloat32(
      [{ output: await attention(kernel, inputs(gpu())).read() }],
      [{ output: await unfusedAttention(name, naive).read() }],
      [{ output: both(column) }],
    );
  });
});
