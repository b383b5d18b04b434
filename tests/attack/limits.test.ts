import { describe, expect, it } from "vitest";
import {
  attention,
  attentionMap,
  AttentionKernelsError,
  cpu,
  DeviceError,
  gaussian,
  indices,
  keyValueCache,
  ops,
  requestGpu,
  softmax,
  UnsupportedError,
  valueAndGrad,
  type Backend,
  type Gpu,
  type Tensor,
} from "../../src/index.js";
import { errorOf, sized, within } from "../support/attack.js";
import { describeGpu } from "../support/gpu.js";

/**
 * What a dimension of workgroups holds is 65,535 on every adapter: one more, that itself, and what folds over two
 * dimensions with a rest.
 */
const MANY = [65_536, 65_535, 70_001];

/** Numbers of size one that float32 has exactly. */
const numbers = (backend: Backend, shape: readonly number[], seed = 1): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return backend.tensor(
    Float32Array.from({ length: size }, (_, at) => Math.sin(seed + 0.7 * at)),
    shape,
  );
};

/** An operation over so many rows, matrices or tokens, as a function of its largest input. */
type Row = readonly [shape: (count: number) => readonly number[], run: (x: Tensor, count: number) => Tensor];

const ids = (count: number, below: number) => indices(Int32Array.from({ length: count }, (_, at) => at % below));
const headsOf = (x: Tensor): Tensor =>
  attention(softmax(), { q: x, k: numbers(x.backend, x.shape, 2), v: numbers(x.backend, x.shape, 3) });

const many: Readonly<Record<string, Row>> = {
  tanh: [(count) => [count, 1], (x) => ops.tanh(x)],
  "multiply, broadcast": [(count) => [count, 1], (x) => ops.multiply(x, numbers(x.backend, [3]))],
  "sum over the last axis": [(count) => [count, 3], (x) => ops.sum(x, -1)],
  "sum over the first axis": [(count) => [count, 2], (x) => ops.sum(x, 0)],
  "sum over all": [(count) => [count, 2], (x) => ops.sum(x)],
  "max over the last axis": [(count) => [count, 3], (x) => ops.max(x, -1)],
  "softmax of rows": [(count) => [count, 3], (x) => ops.softmax(x)],
  // weighted: the sum of the squares alone does not depend on the rows, and its gradient is what rounding leaves
  "layer norm of rows": [(count) => [count, 5], (x) => ops.multiply(ops.layerNorm(x), numbers(x.backend, [5]))],
  permute: [(count) => [count, 2, 1], (x) => ops.permute(x, [2, 1, 0])],
  slice: [(count) => [count, 3], (x) => ops.slice(x, 1, 1, 2)],
  concat: [(count) => [count, 1], (x, count) => ops.concat([x, numbers(x.backend, [count, 2], 2)], 1)],
  expand: [() => [1, 2], (x, count) => ops.expand(x, [count, 2])],
  "embedding of many ids": [() => [7, 2], (x, count) => ops.embedding(x, ids(count, 7))],
  "embedding of many rows": [
    (count) => [count, 1],
    (x, count) => ops.embedding(x, indices([count - 1, 0, 65_535 % count])),
  ],
  "cross entropy": [(count) => [count, 2], (x, count) => ops.crossEntropy(x, ids(count, 2))],
  "matmul of tall matrices": [(count) => [count, 2], (x) => ops.matmul(x, numbers(x.backend, [2, 3], 2))],
  "matmul of wide matrices": [(count) => [3, count], (x) => ops.matmul(numbers(x.backend, [2, 3]), x)],
  "matmul of a long sum": [(count) => [2, count], (x, count) => ops.matmul(x, numbers(x.backend, [count, 2], 2))],
  "matmul of many": [(count) => [count, 1, 2], (x, count) => ops.matmul(x, numbers(x.backend, [count, 2, 1], 2))],
  "attention of a batch": [(count) => [count, 1, 1, 1], headsOf],
  "attention of heads": [(count) => [1, count, 2, 1], headsOf],
  "attention of queries": [
    (count) => [1, 1, count, 1],
    (q) => attention(softmax(), { q, k: numbers(q.backend, [1, 1, 2, 1]), v: numbers(q.backend, [1, 1, 2, 1], 2) }),
  ],
  "attention of keys": [
    (count) => [1, 1, count, 1],
    (k) => attention(softmax(), { q: numbers(k.backend, [1, 1, 1, 1]), k, v: numbers(k.backend, k.shape, 2) }),
  ],
  "gaussian attention of keys": [
    (count) => [1, 1, count, 1],
    (k) =>
      attention(gaussian({ normalize: true }), {
        q: numbers(k.backend, [1, 1, 1, 1]),
        k,
        v: numbers(k.backend, k.shape, 2),
      }),
  ],
};

/** An operation's numbers, and the gradient of the sum of their squares. */
async function answers(backend: Backend, [shape, run]: Row, count: number): Promise<ArrayLike<number>[]> {
  const x = numbers(backend, shape(count));
  try {
    const { output, gradient } = backend.scope(() => {
      const { gradients } = valueAndGrad(({ x: input }) => ops.sum(ops.square(run(input, count))), { x });
      return { output: run(x, count), gradient: gradients.x };
    });
    const read = await Promise.all([output, gradient].map((tensor) => within("a read", tensor.read())));
    output.dispose();
    gradient.dispose();
    return read;
  } finally {
    x.dispose();
  }
}

/** The largest difference, in units of the number or of one, whichever is larger. */
function worst(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Infinity;
  return Array.from(wanted).reduce(
    (most, number, at) => Math.max(most, Math.abs(got[at] - number) / Math.max(1, Math.abs(number))),
    0,
  );
}

describeGpu("more of a thing than a dimension of workgroups holds", (gpu) => {
  it.each(Object.entries(many).filter((_entry, at) => at % sized(3, 1) === 0))(
    "%s: right numbers, or an error that names the limit",
    async (_, row) => {
      for (const count of MANY.slice(0, sized(1, MANY.length))) {
        const wanted = await answers(cpu, row, count);
        const before = gpu().memory.used;
        let got: ArrayLike<number>[] = [];
        const error = await errorOf(async () => (got = await answers(gpu(), row, count)));
        expect(gpu().memory.used).toBe(before);
        if (error !== undefined) {
          expect(error).toBeInstanceOf(UnsupportedError);
          expect((error as Error).message).toMatch(/max[A-Z]\w+/);
          continue;
        }
        wanted.forEach((numbersOf, at) => {
          const terms = Math.max(1, count / numbersOf.length, count / wanted[0].length);
          // wrong places are wrong by one or so; how exact the places are is the concern of other tests
          expect(worst(got[at], numbersOf), at === 0 ? "output" : "gradient").toBeLessThan(2 ** -18 * Math.sqrt(terms));
        });
      }
    },
  );
});

// Dawn's null backend has half a GiB, 128 MiB for a binding, and computes nothing.
const nullBackend = { dawn: ["backend=null"] };
const MIB = 2 ** 20;
const BINDING = 128 * MIB;
const ofBytes = (bytes: number): readonly number[] => [bytes / 4];

describe("memory on the null backend", () => {
  /** Takes memory until a read says that there is none; what was taken until then. */
  async function fill(gpu: Gpu, bytes: number): Promise<Tensor[]> {
    const taken: Tensor[] = [];
    for (let count = 0; count < (4096 * MIB) / bytes; count++) {
      const next = gpu.full(1, ofBytes(bytes));
      const error = await errorOf(() => within("a read", gpu.finish()));
      if (error === undefined) {
        taken.push(next);
        continue;
      }
      expect(error).toBeInstanceOf(DeviceError);
      expect((error as Error).message).toMatch(/out-of-memory|memory/);
      next.dispose();
      return taken;
    }
    throw new Error("the null backend has more memory than thought");
  }

  it.each([16, 48, 96].map((mib) => [mib]))(
    "blocks of %d MiB until there is no more: the error says so, and what was there stays readable",
    async (mib) => {
      using gpu = await requestGpu(nullBackend);
      const small = gpu.tensor([1, 2, 3]);
      const taken = await fill(gpu, mib * MIB);
      expect(taken.length).toBeGreaterThan(1);
      expect((await within("a read", small.read())).length).toBe(3);
      for (const tensor of taken) tensor.dispose();
      const again = gpu.full(1, ofBytes(mib * MIB));
      await within("memory that was given back", gpu.finish());
      again.dispose();
      const next = ops.add(small, 1);
      expect((await within("a read", next.read())).length).toBe(3);
    },
  );

  it("memory given back in one size serves another", async () => {
    using gpu = await requestGpu(nullBackend);
    for (const mib of [96, 48, 16, 64, 128]) {
      const taken = await fill(gpu, mib * MIB);
      expect(taken.length).toBeGreaterThanOrEqual(2);
      for (const tensor of taken) tensor.dispose();
    }
    expect(gpu.memory.used).toBe(0);
  });

  const tooLarge: Readonly<Record<string, (gpu: Gpu, extent: number) => unknown>> = {
    full: (gpu, extent) => gpu.full(1, [extent + 1]),
    "full with an extent beyond 2^53": (gpu) => gpu.full(1, [2 ** 30, 2 ** 30, 2 ** 30]),
    expand: (gpu, extent) => ops.expand(gpu.full(1, [1]), [extent + 1]),
    add: (gpu, extent) => ops.add(gpu.full(1, [2 ** 16, 1]), gpu.full(1, [1, extent / 2 ** 14])),
    embedding: (gpu, extent) => ops.embedding(gpu.full(1, [1, extent / 2 ** 10]), indices(new Int32Array(2 ** 11))),
    matmul: (gpu, extent) => ops.matmul(gpu.full(1, [2 ** 15, 1]), gpu.full(1, [1, extent / 2 ** 14])),
    concat: (gpu, extent) =>
      ops.concat(
        Array.from({ length: 4 }, () => gpu.full(1, [extent / 4 + 1])),
        0,
      ),
    "a cache": (gpu, extent) => keyValueCache(gpu, softmax(), { batch: 1, kvHeads: 1, capacity: extent + 1, dim: 1 }),
    "an attention map": (gpu) =>
      attentionMap(softmax(), {
        q: gpu.full(1, [1, 1, 2 ** 16, 1]),
        k: gpu.full(1, [1, 1, 2 ** 10, 1]),
        v: gpu.full(1, [2 ** 4, 1, 2 ** 10, 1]),
      }),
  };
  it.each(Object.entries(tooLarge))(
    "%s above what a binding holds is refused by the library, and costs nothing",
    async (_, make) => {
      using gpu = await requestGpu(nullBackend);
      const error = await errorOf(() => gpu.scope(() => void make(gpu, BINDING / 4)));
      expect(error).toBeInstanceOf(AttentionKernelsError);
      await within("finish", gpu.finish());
      expect(gpu.memory.used).toBe(0);
    },
  );
});
