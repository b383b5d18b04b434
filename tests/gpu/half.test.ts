import { expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  cpu,
  gradcheck,
  kernels,
  NonFiniteError,
  ops,
  random,
  ShapeError,
  softmax,
  UnsupportedError,
  valueAndGrad,
  type AttentionInputs,
} from "../../src/index.js";
import { roundToHalf } from "../../src/core/half.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { adapterHas, describeGpu } from "../support/gpu.js";

const half = { dtype: "f16" } as const;
const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

describeGpu(
  "float16 tensors",
  (gpu) => {
    it.each([1, 2, 3, 129, 1001])("%d numbers come back as the nearest halves", async (count) => {
      const data = random(count).normals(count);
      using tensor = gpu().tensor(data, [count], half);
      expect(tensor.dtype).toBe("f16");
      expect(await tensor.read()).toEqual(Float32Array.from(data, roundToHalf));
    });

    it("take half the memory of float32", () => {
      const before = gpu().memory.used;
      using tensor = gpu().full(1, [1 << 16], half);
      expect(gpu().memory.used - before).toBe(2 * tensor.size);
    });

    it.each([[1], [7], [300]])("full(0.1, [%d])", async (count) => {
      using tensor = gpu().full(0.1, [count], half);
      expect(await tensor.read()).toEqual(new Float32Array(count).fill(roundToHalf(0.1)));
    });

    it("cast rounds, widens exactly, and casts its gradient back", async () => {
      const data = random(2).normals(77);
      using x = gpu().tensor(data);
      using narrow = ops.cast(x, "f16");
      using wide = ops.cast(narrow, "f32");
      expect([x.dtype, narrow.dtype, wide.dtype]).toEqual(["f32", "f16", "f32"]);
      const back = await wide.read();
      expect(await narrow.read()).toEqual(back);
      // A driver may round to either neighbour.
      for (const [index, value] of Float32Array.from(data).entries())
        expect(Math.abs(back[index] - value)).toBeLessThan(2 ** -10 * Math.abs(value));
      const { gradients } = valueAndGrad(({ x }) => ops.sum(ops.multiply(ops.cast(ops.cast(x, "f16"), "f32"), 3)), {
        x,
      });
      expect(gradients.x.dtype).toBe("f32");
      expect(await gradients.x.read()).toEqual(new Float32Array(77).fill(3));
    });

    it("keep their dtype through reshape, stopGradient and scope, and as gradients", async () => {
      using x = gpu().tensor([1, 2, 3, 4, 5, 6], [2, 3], half);
      const inside = gpu().scope(() => ops.stopGradient(ops.reshape(x, [3, 2])));
      expect([inside.dtype, ...inside.shape]).toEqual(["f16", 3, 2]);
      expect(await inside.read()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
      inside.dispose();
      const { gradients } = valueAndGrad(({ x }) => ops.sum(ops.square(ops.cast(x, "f32"))), { x, idle: x });
      expect(gradients.x.dtype).toBe("f16");
      expect(await gradients.x.read()).toEqual(Float32Array.of(2, 4, 6, 8, 10, 12));
    });

    it("a parameter without a part in the loss gets float16 zeros", async () => {
      const [x, idle] = [gpu().tensor([1, 2]), gpu().tensor([1, 2, 3], [3], half)];
      const { gradients } = valueAndGrad((p) => ops.sum(p.x), { x, idle });
      expect(gradients.idle.dtype).toBe("f16");
      expect(await gradients.idle.read()).toEqual(new Float32Array(3));
    });

    it("sums the gradients of a tensor that is query and key in float32", async () => {
      const x = gpu().tensor(random(3).normals(24), [1, 1, 6, 4], half);
      const sum = (q: typeof x, k: typeof x): typeof x =>
        ops.sum(ops.square(ops.cast(attention(softmax(), { q, k, v: x }), "f32")));
      const both = valueAndGrad(({ x: own }) => sum(own, own), { x });
      const apart = valueAndGrad(({ q, k }) => sum(q, k), { q: x, k: ops.reshape(x, x.shape) });
      const [q, k] = [await apart.gradients.q.read(), await apart.gradients.k.read()];
      const together = await both.gradients.x.read();
      together.forEach((value, index) =>
        expect(Math.abs(value - q[index] - k[index])).toBeLessThanOrEqual(2 ** -10 * Math.abs(q[index] + k[index])),
      );
    });

    it("statistics stay float32, and scores beyond float16 do no harm", async () => {
      const x = gpu().tensor([300, 300, -300, 300], [1, 1, 2, 2], half); // q.k up to 180,000
      const output = attention(softmax(), { q: x, k: x, v: x });
      expect(output.dtype).toBe("f16");
      expect(await output.read()).toEqual(Float32Array.of(300, 300, -300, 300));
    });

    it("an output beyond 65504 is infinite, or the largest number: WGSL leaves it open", async () => {
      const x = gpu().full(0, [1, 1, 4, 4], half);
      const v = gpu().full(30_000, [1, 1, 4, 4], half);
      const output = attention(kernels["gaussian"](), { q: x, k: x, v });
      expect((await output.read()).every((x) => x === Infinity || x === 65504)).toBe(true);
    });

    it("are refused by name, with the way out", () => {
      const x = gpu().full(1, [1, 1, 2, 2], half);
      const wide = gpu().full(1, [1, 1, 2, 2]);
      const wayOut = /float32 tensors, got one of dtype f16. Cast it: ops.cast\(x, "f32"\)/;
      for (const [name, run] of Object.entries({
        exp: () => ops.exp(x),
        add: () => ops.add(x, x),
        multiply: () => ops.multiply(wide, x),
        matmul: () => ops.matmul(x, x),
        sum: () => ops.sum(x),
        permute: () => ops.permute(x, [0, 1, 3, 2]),
        softmax: () => ops.softmax(x),
      })) {
        expect(run).toThrow(UnsupportedError);
        expect(run).toThrow(wayOut);
        expect(run).toThrow(new RegExp(`^${name}: `));
      }
      expect(() => attention(softmax(), { q: x, k: wide, v: x })).toThrow(
        /attention: k: wanted f16, as q, got f32. Cast one of them/,
      );
      expect(() => attention(softmax(), { q: wide, k: wide, v: x })).toThrow(ArgumentError);
      expect(() => attention(kernels["linear"](), { q: x, k: x, v: x })).toThrow(
        /attention: q: wanted float32, which is all that linear has/,
      );
      const scale = gpu().full(1, [1], half);
      expect(() => attention(softmax(), { q: wide, k: wide, v: wide, scale })).toThrow(
        /attention: scale: .* ops.cast\(scale, "f32"\)/,
      );
      const bias = gpu().full(1, [1, 1, 2, 2], half);
      expect(() => attention(softmax(), { q: wide, k: wide, v: wide }, { bias })).toThrow(/attention: bias: /);
    });

    it("hold no number beyond 65504", () => {
      expect(() => gpu().tensor([1, 7e4], [2], half)).toThrow(NonFiniteError);
      expect(() => gpu().tensor([1, 7e4], [2], half)).toThrow(
        /at most 65504, the largest in float16, got 70000 at index 1/,
      );
      expect(() => gpu().full(-7e4, [2], half)).toThrow(NonFiniteError);
      expect(() => gpu().tensor([1, 2], [3], half)).toThrow(ShapeError);
    });
  },
  { when: hasHalf },
);

it("without shader-f16, float16 is refused by the name of the feature", async () => {
  const device = await openDevice({ dawn: ["backend=null"] });
  Object.defineProperty(device, "features", { value: new Set() }); // as of an adapter that has none
  const gpu = new Gpu(device, true);
  expect(gpu.dtypes).toEqual(["f32"]);
  const x = gpu.tensor([1]);
  for (const run of [() => gpu.tensor([1], [1], half), () => gpu.full(1, [1], half), () => ops.cast(x, "f16")]) {
    expect(run).toThrow(UnsupportedError);
    expect(run).toThrow(/dtype: wanted a device with the feature shader-f16/);
  }
  expect(() => gpu.tensor([1], [1], { dtype: "f64" })).toThrow(ArgumentError);
  gpu.dispose();
});

it("the float64 reference takes no other dtype, and casts without rounding", async () => {
  expect(() => cpu.tensor([1], [1], half)).toThrow(
    /cpu.tensor: dtype: wanted f64, the one dtype of the cpu backend, got f16/,
  );
  expect(() => cpu.full(1, [1], { dtype: "f32" })).toThrow(UnsupportedError);
  const x = cpu.tensor([0.1, 1e9]);
  expect(await ops.cast(x, "f16").read()).toEqual(Float64Array.of(0.1, 1e9));
  const inputs = Object.fromEntries(
    ["q", "k", "v"].map((name, seed) => [name, cpu.tensor(random(seed).normals(12), [1, 1, 4, 3])]),
  ) as unknown as AttentionInputs;
  const half64 = (tensor: typeof x): typeof x => ops.cast(tensor, "f16");
  const report = await gradcheck(
    ({ q, k, v }) =>
      ops.sum(ops.square(ops.cast(attention(softmax(), { q: half64(q), k: half64(k), v: half64(v) }), "f32"))),
    inputs,
  );
  expect(report.passed).toBe(true);
  expect(() => ops.cast(x, "f8" as "f16")).toThrow(ArgumentError);
});
