import { afterEach, expect, it, vi } from "vitest";
import {
  and,
  attentionWithStatistic,
  booleanMask,
  causal,
  gaussian,
  kernelFeatures,
  kernels,
  lengths,
  ops,
  requestGpu,
  slidingWindow,
  valueAndGrad,
  attention,
  type AttentionInputs,
  type AttentionKernel,
  type Gpu,
  type Mask,
  type Shader,
  type TiledKernel,
} from "../../src/index.js";
import type { Pass } from "../../src/gpu/pass.js";
import { Queue } from "../../src/gpu/queue.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu, tiles } from "../support/gpu.js";

afterEach(() => vi.restoreAllMocks());

/** A row whose statistic is the number of pair products that the row's invocation took, hidden ones included. */
const counting: Shader = {
  file: "lib/counting_row.wgsl",
  text: `
    var<private> taken: f32;
    struct Row { unused: f32 }
    fn row_start() -> Row { return Row(0.0); }
    fn row_advance(row: ptr<function, Row>, tile_maximum: f32) -> f32 { return 1.0; }
    fn row_weight(row: Row, score: f32) -> f32 { return weight(score); }
    fn row_add(row: ptr<function, Row>, weight: f32) {}
    fn row_factor(row: Row) -> f32 { return 1.0; }
    fn row_statistic(row: Row) -> f32 { return taken; }`,
};
const countingProduct: Shader = {
  file: "lib/counting_product.wgsl",
  text: `
    fn pair_product(query: vec4f, key: vec4f) -> f32 { taken += 1.0; return dot(query, key); }
    fn pair_by_query(query: vec4f, key: vec4f) -> vec4f { return key; }
    fn pair_by_key(query: vec4f, key: vec4f) -> vec4f { return query; }`,
};

/** Pair products that a forward pass takes over n queries and n keys of one vec4, by all rows together. */
async function pairsTaken(gpu: Gpu, n: number, mask?: Mask): Promise<number> {
  const kernel = gaussian();
  const counted: TiledKernel = { ...kernel, shaders: [countingProduct, ...kernel.shaders.slice(1)] };
  let rows = 1; // that one invocation counts for; in a block, all invocations of a row count for RUN rows
  const dispatch: (this: Queue, pass: Pass) => void = Reflect.get(Queue.prototype, "dispatch");
  vi.spyOn(Queue.prototype, "dispatch").mockImplementation(function (this: Queue, pass: Pass) {
    rows = Number(pass.constants["RUN"] ?? rows) / Number(pass.constants["ACROSS"] ?? 1);
    dispatch.call(this, {
      ...pass,
      shaders: pass.shaders.map((shader) => (shader.file === "lib/plain_row.wgsl" ? counting : shader)),
    });
  });
  const shapes = { q: [1, 1, n, 4], k: [1, 1, n, 4], v: [1, 1, n, 4] };
  const inputs = upload(gpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
  const taken = await attentionWithStatistic(counted, inputs, { mask }).statistic.read();
  vi.restoreAllMocks();
  return Array.from(taken).reduce((a, b) => a + b, 0) / rows;
}

/** The bounds hold for blocks of n / 16 queries and keys or smaller. */
function countPairs(gpu: () => Gpu, n: number): void {
  it("causal takes little more than half, a window of n/8 little more than its width", async () => {
    expect(await pairsTaken(gpu(), n)).toBe(n * n);
    const half = await pairsTaken(gpu(), n, causal());
    expect(half).toBeGreaterThanOrEqual((n * (n + 1)) / 2);
    expect(half).toBeLessThan(0.55 * n * n);
    const window = await pairsTaken(gpu(), n, slidingWindow(n / 8));
    expect(window).toBeGreaterThanOrEqual(0.23 * n * n);
    expect(window).toBeLessThan(0.35 * n * n);
  });

  it(
    "padding on either side, and a mask of keys that are one run, take little more than the pairs that " + "count",
    async () => {
      const half = [n / 2];
      for (const mask of [
        lengths({ queries: half, keys: half }),
        lengths({ queries: half, keys: half, padding: "left" }),
        and(
          lengths({ queries: half, padding: "left" }),
          booleanMask(
            Array.from({ length: n }, (_, key) => key >= n / 2),
            [1, 1, 1, n],
          ),
        ),
      ]) {
        const taken = await pairsTaken(gpu(), n, mask);
        expect(taken).toBeGreaterThanOrEqual((n * n) / 4);
        expect(taken).toBeLessThan(0.3 * n * n);
      }
    },
  );
}

describeGpu("tiles that a mask hides are skipped: counted, not timed", (gpu) => {
  countPairs(gpu, 512);

  it("memory is linear in n: a real run at n = m = 2048", async () => {
    const before = gpu().memory.allocated;
    // rows of weights sum to 1, and every value is 0.5
    expect(await forwardAndBackward(gpu(), kernels["softmax"](), 2048)).toBeCloseTo(0.5 * 2048 * 64, 0);
    expect(gpu().memory.allocated - before).toBeLessThan(10e6);
  });
});

describeGpu("blocks that a mask hides are skipped: counted, not timed", (gpu) => countPairs(gpu, 1024), {
  capabilities: tiles,
});

/** Forward and backward over one head of width 64; the sum of the output. */
async function forwardAndBackward(gpu: Gpu, kernel: AttentionKernel, n: number): Promise<number> {
  const sizes = { batch: 1, heads: 1, queries: n, keys: n, dim: 64 };
  const own = (kernel.inputs ?? []).map(({ name, shape }) => [name, gpu.full(0.1, shape(sizes))]);
  const x = (): AttentionInputs["q"] => gpu.full(0.5, [1, 1, n, 64]);
  const inputs = { q: x(), k: x(), v: x(), ...Object.fromEntries(own) } as AttentionInputs;
  const { value, gradients } = valueAndGrad((p) => ops.sum(attention(kernel, p)), inputs);
  const [total] = await value.read();
  for (const tensor of [value, ...Object.values(gradients), ...Object.values(inputs)]) tensor.dispose();
  return total;
}

const linear = Object.entries(kernels).filter(([, factory]) => kernelFeatures(factory()).linearMemory);

// The null backend allocates and computes nothing: what is read is whatever the memory held.
it.each(linear)("%s: forward and backward at n = m = 8192 and d = 64 take little memory", async (_name, factory) => {
  using gpu = await requestGpu({ dawn: ["backend=null"] });
  const kernel = factory();
  await forwardAndBackward(gpu, kernel, 8192);
  // A composition keeps its intermediate results for backward; one matrix of n·m numbers would be 268 MB.
  expect(gpu.memory.allocated).toBeLessThan("compose" in kernel ? 80e6 : 40e6);
  expect(gpu.memory.allocated).toBeGreaterThan(7 * 8192 * 64 * 4);
});
