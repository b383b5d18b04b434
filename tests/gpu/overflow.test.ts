import { expect, it } from "vitest";
import { attention, gaussian, NonFiniteError, ops, softmax, valueAndGrad } from "../../src/index.js";
import { adam } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

/** Half a step above the largest float32: it rounds to infinity, and what is below rounds to that largest. */
const FIRST_BEYOND = 2 ** 128 - 2 ** 103;
const LARGEST = 2 ** 128 - 2 ** 104;

describeGpu("numbers beyond float32", (gpu) => {
  it.each([1e39, -1e39, FIRST_BEYOND, -Number.MAX_VALUE])(
    "%d is refused as data and as a value, with its place and the limit",
    (value) => {
      expect(() => gpu().tensor([1, value])).toThrow(NonFiniteError);
      expect(() => gpu().tensor([1, value])).toThrow(
        `gpu.tensor: data: wanted numbers of at most ${LARGEST}, the largest in float32, got ${value} at index 1.`,
      );
      expect(() => gpu().full(value, [3])).toThrow(`gpu.full: value: wanted numbers of at most ${LARGEST}`);
    },
  );

  it("refuses no number that rounds to a float32", async () => {
    const below = FIRST_BEYOND - 2 ** 76;
    expect(await gpu().tensor([below, -below, LARGEST, 1e-60]).read()).toEqual(
      Float32Array.of(LARGEST, -LARGEST, LARGEST, 0),
    );
    expect(await gpu().full(below, [2]).read()).toEqual(Float32Array.of(LARGEST, LARGEST));
  });

  it("costs no memory", () => {
    const before = gpu().memory.used;
    const x = gpu().tensor([1]);
    expect(() => ops.multiply(x, 1e39)).toThrow(NonFiniteError);
    expect(() => gpu().full(1e39, [100])).toThrow(NonFiniteError);
    x.dispose();
    expect(gpu().memory.used).toBe(before);
  });

  it.each([
    ["add", () => ops.add(gpu().tensor([1]), 1e39)],
    ["multiply", () => ops.multiply(gpu().tensor([1]), -1e39)],
    ["subtract", () => ops.subtract(gpu().tensor([1]), 1e39)],
    ["divide", () => ops.divide(gpu().tensor([1]), 1e-39)],
    ["addScaled", () => ops.addScaled(gpu().tensor([1]), gpu().tensor([1]), 1e39)],
    ["layerNorm", () => ops.layerNorm(gpu().full(1, [1, 2]), { epsilon: 1e39 })],
    [
      "softcap",
      () =>
        attention(
          softmax(),
          { q: gpu().full(1, [1, 1, 2, 2]), k: gpu().full(1, [1, 1, 2, 2]), v: gpu().full(1, [1, 1, 2, 2]) },
          { softcap: 1e39 },
        ),
    ],
    [
      "gamma",
      () =>
        attention(gaussian({ gamma: 1e39 }), {
          q: gpu().full(1, [1, 1, 2, 2]),
          k: gpu().full(1, [1, 1, 2, 2]),
          v: gpu().full(1, [1, 1, 2, 2]),
        }),
    ],
    [
      "learning rate",
      () => {
        const x = gpu().tensor([1]);
        const { gradients } = valueAndGrad((p) => ops.sum(ops.square(p.x)), { x });
        adam({ learningRate: 1e39 }).step({ x }, gradients);
      },
    ],
  ])("is refused as a number of an operation: %s", (_name, run) => {
    expect(run).toThrow(NonFiniteError);
    expect(run).toThrow(/float32/);
  });

  it("infinity that was asked for stays what it is", async () => {
    expect(await gpu().full(-Infinity, [1]).read()).toEqual(Float32Array.of(-Infinity));
    expect(await ops.multiply(gpu().tensor([1, -1]), Infinity).read()).toEqual(Float32Array.of(Infinity, -Infinity));
  });
});
