import { expect, it, vi } from "vitest";
import {
  and,
  attention,
  causal,
  cpu,
  documents,
  kernels,
  lengths,
  ops,
  random,
  relativeBias,
  slidingWindow,
  valueAndGrad,
  type AttentionInputs,
  type AttentionOptions,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { casesFor, distinctPrograms, type Extents } from "../support/attention.js";
import { cases, inputsOf, upload, type Case } from "../support/cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients } from "../support/compare.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { capabilitiesOf, type Capabilities } from "../../src/gpu/capabilities.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { Queue } from "../../src/gpu/queue.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu, gpuIt, plain, tiles } from "../support/gpu.js";

/** Rows and columns of a block, at 8 rows and at 4 an invocation. */
const EDGES = [31, 32, 33, 63, 64, 65];

const [batch, heads, keyHeads, n, m, width] = [2, 4, 2, 70, 90, 8];
const short = lengths({ queries: [70, 33], keys: [0, 65] });

/** The document of every token, where documents have `length` tokens but for a first of one. */
const idsOf = (tokens: number, length: number): number[] =>
  Array.from({ length: tokens }, (_, token) => Math.ceil(token / length));

/** What hides or bends scores, over grouped heads. */
const options: Readonly<Record<string, (bias: Tensor) => AttentionOptions>> = {
  causal: () => ({ mask: causal() }),
  "causal, bottom-right": () => ({ mask: causal({ align: "bottom-right" }) }),
  "a sliding window": () => ({ mask: slidingWindow(5) }),
  "a softcap": () => ({ softcap: 1.5 }),
  "causal, a window, lengths, a relative bias and a softcap": (bias) => ({
    mask: and(causal({ align: "bottom-right" }), slidingWindow(40), short),
    bias: relativeBias(ops.slice(bias, 1, 0, n + m - 1)),
    softcap: 1.5,
  }),
  "causal, documents and a bias of keys": (bias) => ({
    mask: and(causal({ align: "bottom-right" }), documents(idsOf(n, 9), { keys: idsOf(m, 11) })),
    bias: ops.reshape(ops.slice(ops.slice(bias, 0, 0, batch), 1, 0, m), [batch, 1, 1, m]),
  }),
  // The same programs, but for the bias's own.
  "causal, padding on the left and a bias of keys": (bias) => ({
    mask: and(causal(), lengths({ queries: [70, 31], keys: [90, 51], padding: "left" })),
    bias: ops.reshape(ops.slice(ops.slice(bias, 0, 0, batch), 1, 0, m), [batch, 1, 1, m]),
  }),
  // Whole tiles are hidden, and the gradient of the bias comes with that of the queries.
  "causal, and a bias of every pair that batch entries share": (bias) => ({
    mask: causal(),
    bias: ops.reshape(bias, [1, heads, n, m]),
  }),
};

async function masked(
  backend: Backend,
  build: (bias: Tensor) => AttentionOptions,
): Promise<Record<string, ArrayLike<number>>> {
  const shapes = {
    q: [batch, heads, n, width],
    k: [batch, keyHeads, m, width],
    v: [batch, keyHeads, m, width],
    bias: [heads, n * m],
  };
  const inputs = upload(backend, inputsOf({ shapes }), shapes);
  const run = ({ bias, ...rest }: Record<string, Tensor>): Tensor =>
    attention(kernels["softmax"](), rest as unknown as AttentionInputs, build(bias));
  const cotangent = backend.tensor(random(8).normals(batch * heads * n * width), [batch, heads, n, width]);
  const { gradients } = valueAndGrad((p: Record<string, Tensor>) => ops.sum(ops.multiply(run(p), cotangent)), inputs);
  const results: Record<string, ArrayLike<number>> = { output: await run(inputs).read() };
  for (const [name, gradient] of Object.entries(gradients)) results[name] = await gradient.read();
  return results;
}

type ExpectExact = (name: string, extents: Extents) => Promise<void>;

/** What every form is held to; gives `more` the comparison with unfused float32. */
function holdForm(
  title: string,
  capabilities: Capabilities,
  more: (expectExact: ExpectExact, isSlow: () => boolean) => void = () => undefined,
): void {
  describeGpu(
    title,
    (gpu) => {
      // lavapipe takes ten seconds and more to compile the three passes of a kernel by blocks.
      const isSlow = (): boolean => /llvmpipe/.test(gpu().device.name);
      const expectExact: ExpectExact = async (name, extents) => {
        const { fused, unfused } = casesFor(name, extents);
        const on = (backend: Backend, testCase: Case) =>
          draws(drawsFor(fused), 3, (draw) => outputAndGradients(backend, testCase, draw));
        expectAsExactAsFloat32(await on(gpu(), fused), await on(naiveFloat32, unfused), await on(cpu, fused));
      };

      it("softmax is as exact as unfused float32 at the edges of blocks, gradients too", async () => {
        for (const [index, n] of EDGES.entries()) {
          for (const m of [n, EDGES[(index + 2) % EDGES.length]])
            await expectExact("softmax", { batch: 1, heads: 2, n, m, d: 8, dv: 8 });
        }
      });

      it("softmax is as exact as unfused float32 with few queries and many keys", async () => {
        await expectExact("softmax", { batch: 1, heads: 2, n: 2, m: 300, d: 8, dv: 8 });
      });

      it("softmax repeats bit for bit, over more keys than queries and more queries than keys", async () => {
        for (const [n, m] of [
          [70, 145],
          [145, 70],
        ]) {
          const { fused } = casesFor("softmax", { batch: 2, heads: 2, n, m, d: 8, dv: 8 });
          const first = await outputAndGradients(gpu(), fused);
          for (let repeat = 1; repeat < 5; repeat++) expect(await outputAndGradients(gpu(), fused)).toEqual(first);
        }
      });

      // Norms, no normaliser, and widths that are no multiples of four.
      it("gaussian is as exact as unfused float32", async () => {
        await expectExact("gaussian", { batch: 2, heads: 2, n: 65, m: 33, d: 5, dv: 6 });
      });

      it.each(Object.entries(options))("%s, as on the CPU", async (_title, build) => {
        const exact = await masked(cpu, build);
        const actual = await masked(gpu(), build);
        for (const [name, wanted] of Object.entries(exact)) {
          const scale = Array.from(wanted).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
          Array.from(wanted).forEach((value, index) =>
            expect(Math.abs(actual[name][index] - value) / scale, name).toBeLessThan(2 ** -16),
          );
        }
      });

      it.each(["left", "right"] as const)("what padding on the %s holds has no effect", async (padding) => {
        const counts = [33, 65];
        const mask = and(causal(), lengths({ queries: counts, keys: counts, padding }));
        const [tokens, shape] = [90, [batch, 1, 90, width]];
        const numbers = random(3).normals(batch * tokens * width);
        const isPadding = Array.from(numbers, (_, at) => {
          const [entry, token] = [Math.floor(at / (tokens * width)), Math.floor(at / width) % tokens];
          return padding === "left" ? token < tokens - counts[entry] : token >= counts[entry];
        });
        const results = async (large: number): Promise<Record<string, ArrayLike<number>>> => {
          // The square of a large number is infinite, and the difference of two of them no number.
          const poison = ops.square(
            gpu().tensor(
              isPadding.map((is) => (is ? large : 0)),
              shape,
            ),
          );
          const x = ops.add(gpu().tensor(numbers, shape), ops.subtract(poison, poison));
          const bias = gpu().tensor(random(4).normals(batch * tokens), [batch, 1, 1, tokens]);
          const run = ({ bias, ...qkv }: Record<string, Tensor>): Tensor =>
            attention(kernels["softmax"](), qkv as unknown as AttentionInputs, { mask, bias });
          const inputs = { q: x, k: x, v: x, bias };
          const { gradients } = valueAndGrad((p: Record<string, Tensor>) => ops.sum(ops.square(run(p))), inputs);
          const read: Record<string, ArrayLike<number>> = { input: await x.read(), output: await run(inputs).read() };
          for (const [name, gradient] of Object.entries(gradients)) read[name] = await gradient.read();
          return read;
        };
        const [{ input: clean, ...wanted }, { input: poisoned, ...actual }] = [await results(0), await results(1e30)];
        expect(poisoned).not.toEqual(clean);
        expect(actual).toEqual(wanted);
        const { output } = actual;
        expect(isPadding.every((is, at) => !is || output[at] === 0)).toBe(true);
      });

      more(expectExact, isSlow);
    },
    { capabilities },
  );
}

holdForm("attention by tiles in workgroup memory", plain);

gpuIt("after much work rows are held several at a time, with the same bits", async ({ device: adapter }) => {
  const extents = { batch: 1, heads: 2, n: 129, m: 131, d: 8, dv: 12 };
  const device = await openDevice({});
  const capabilities = capabilitiesOf(device, adapter);
  using gpu = new Gpu(device, true, { ...capabilities, shortRunPairs: 1.5 * 2 * 129 * 131 });
  const runs: unknown[] = [];
  const dispatch = vi.spyOn(Queue.prototype, "dispatch");
  for (const name of ["softmax", "gaussian", "sigmoid"]) {
    const { fused } = casesFor(name, extents);
    const [first, second] = [await outputAndGradients(gpu, fused), await outputAndGradients(gpu, fused)];
    expect(second, name).toEqual(first);
  }
  for (const [{ constants }] of dispatch.mock.calls)
    if ("RUN" in constants && "LANES" in constants) runs.push(constants["RUN"]);
  dispatch.mockRestore();
  // forward alone; forward, dQ, and dK with dV; and once more
  const ofKernel = [1, 4, 1, 1, 4, 4, 2, 2];
  expect(runs).toEqual(capabilities.broadcastLanes === undefined ? [] : [...ofKernel, ...ofKernel, ...ofKernel]);
});

gpuIt("loops over memory compute the same bits, unrolled or not", async () => {
  const device = await openDevice({});
  using owner = new Gpu(device, true);
  const own = capabilitiesOf(device, owner.device);
  const dispatch = vi.spyOn(Queue.prototype, "dispatch");
  for (const capabilities of [own, plain]) {
    using short = new Gpu(device, false, { ...capabilities, shortRunPairs: Infinity });
    using long = new Gpu(device, false, { ...capabilities, shortRunPairs: 0 });
    for (const extents of [
      { batch: 1, heads: 2, n: 40, m: 39, d: 20, dv: 13 },
      { batch: 1, heads: 2, n: 40, m: 39, d: 20, dv: 16 },
    ]) {
      const { fused } = casesFor("softmax", extents);
      const [unrolled, rolled] = [await outputAndGradients(long, fused), await outputAndGradients(short, fused)];
      // Compilers for hardware may join products and sums in one program and not in the other.
      if (owner.device.kind === "software") expect(unrolled).toEqual(rolled);
    }
  }
  const flags = dispatch.mock.calls.flatMap(([{ constants }]) =>
    "UNROLLED" in constants ? [constants["UNROLLED"]] : [],
  );
  dispatch.mockRestore();
  // forward alone; forward, dQ, dK with dV, and the gradient of the scale
  const both = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
  expect(flags).toEqual([...both, ...both, ...(own.tiles ? [] : [...both, ...both])]);
});

gpuIt("after much work products of whole vec4s hold more rows, with the same bits", async ({ device: adapter }) => {
  const device = await openDevice({});
  const capabilities = capabilitiesOf(device, adapter);
  const dispatch = vi.spyOn(Queue.prototype, "dispatch");
  using short = new Gpu(device, false, { ...capabilities, shortRunPairs: Infinity });
  using long = new Gpu(device, true, { ...capabilities, shortRunPairs: 0 });
  for (const name of ["x W + b to heads of whole vec4s", "x W + b of heads of whole vec4s"]) {
    const testCase = cases.find((known) => known.name === name)!;
    expect(await outputAndGradients(long, testCase), name).toEqual(await outputAndGradients(short, testCase));
  }
  const rows = dispatch.mock.calls.flatMap(([{ constants }]) => ("A_ACROSS" in constants ? [constants["ROWS"]] : []));
  dispatch.mockRestore();
  // forward alone; forward and two of backward
  const ofCase = [16, 16, 16, 16, 8, 8, 8, 8];
  expect(rows).toEqual(capabilities.broadcastLanes === undefined ? [] : [...ofCase, ...ofCase]);
});

holdForm("attention by blocks in registers", tiles, (expectExact, isSlow) => {
  it("heads of more vec4s than a block is wide", async ({ skip }) => {
    skip(isSlow(), "lavapipe compiles for too long");
    await expectExact("softmax", { batch: 1, heads: 1, n: 65, m: 67, d: 37, dv: 70 });
  });

  // Slices of queries and keys are narrower than those of values, and the last has some parts less than the others.
  it("heads whose width is summed in slices", async ({ skip }) => {
    skip(isSlow(), "lavapipe compiles for too long");
    await expectExact("softmax", { batch: 1, heads: 2, n: 67, m: 65, d: 136, dv: 270 });
  });

  it.for(distinctPrograms().filter((name) => "formula" in kernels[name]() && !["softmax", "gaussian"].includes(name)))(
    "%s is as exact as unfused float32",
    async (name, { skip }) => {
      skip(isSlow(), "lavapipe compiles for too long");
      await expectExact(name, { batch: 1, heads: 2, n: 65, m: 33, d: 8, dv: 8 });
    },
  );
});
