import { vi } from "vitest";
import {
  attention,
  gradcheckKernel,
  kernels,
  lengths,
  ops,
  relativeBias,
  softmax,
  valueAndGrad,
  type AttentionInputs,
  type AttentionOptions,
  type Tensor,
} from "../../src/index.js";
import { adam } from "../../src/nn/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { link } from "../../src/gpu/link.js";
import type { Pass } from "../../src/gpu/pass.js";
import { Queue } from "../../src/gpu/queue.js";
import type { Capabilities } from "../../src/gpu/capabilities.js";
import { attentionCases, type Extents } from "./attention.js";
import { cases, type Case } from "./cases.js";
import { plain, tiles } from "./gpu.js";

/** The forms of passes that need no experimental feature. */
const forms: readonly Capabilities[] = [
  plain,
  tiles,
  ...[0, Infinity].map((shortRunPairs) => ({ ...plain, broadcastLanes: 4, shortRunPairs })),
];

const extentsOf = ([n, m, d, dv]: readonly number[]): Extents => ({ batch: 2, heads: 2, n, m, d, dv });
/**
 * Shapes: any width, whole vec4s, and few queries with many keys; otherwise as many tokens as forms in registers need.
 */
export const fewExtents = [
  [33, 34, 5, 3],
  [33, 34, 8, 8],
  [2, 300, 4, 4],
].map(extentsOf);
/** Also heads narrower and wider than forms support, and several rows per invocation. */
export const manyExtents = [
  ...[
    [5, 3, 1, 1],
    [5, 3, 64, 64],
    [33, 34, 5, 128],
    [33, 34, 128, 128],
    [33, 34, 5, 130],
    [130, 129, 5, 3],
    [130, 129, 68, 68],
  ].map(extentsOf),
  ...fewExtents,
];

/** Attention with a kernel, also over float16 if it supports that. */
function attentionsOf(name: string, extents: Extents): Case[] {
  const { fused } = attentionCases(name, extents);
  const half = (x: Tensor): Tensor => ops.cast(x, "f16");
  const onHalves: Case["run"] = ({ q, k, v, ...learned }) =>
    ops.cast(fused.run({ ...learned, q: half(q), k: half(k), v: half(v) }), "f32");
  return "formula" in kernels[name]() ? [fused, { ...fused, run: onHalves }] : [fused];
}

/** Softmax with lengths, a softcap and a bias, of every pair and of every step. */
function optionsOf({ batch, heads, n, m, d, dv }: Extents): Case[] {
  const shapes = { q: [batch, heads, n, d], k: [batch, heads, m, d], v: [batch, heads, m, dv] };
  const withBias = (shape: readonly number[], options: (bias: Tensor) => AttentionOptions): Case => ({
    name: "options",
    shapes: { ...shapes, bias: shape },
    run: ({ bias, ...inputs }) => attention(softmax(), inputs as unknown as AttentionInputs, options(bias)),
  });
  const [mask, softcap] = [lengths({ queries: [n, 1], keys: [1, m] }), 2];
  return [
    withBias([batch, heads, n, m], (bias) => ({ mask, softcap, bias })),
    withBias([heads, n + m - 1], (bias) => ({ mask, softcap, bias: relativeBias(bias) })),
  ];
}

/** The linked programs of every operation and every kernel, forward and backward, in every form, by their code. */
export async function linkedPrograms(extents: readonly Extents[]): Promise<ReadonlyMap<string, Pass>> {
  const passes = new Map<string, Pass>();
  const dispatch = vi.spyOn(Queue.prototype, "dispatch").mockImplementation((pass) => {
    passes.set(JSON.stringify([pass.shaders.map(({ file }) => file), pass.constants]), pass);
  });
  const attentions = extents.flatMap((sizes) => [
    ...Object.keys(kernels).flatMap((name) => attentionsOf(name, sizes)),
    ...optionsOf(sizes),
  ]);
  try {
    for (const capabilities of forms) {
      using gpu = new Gpu(await openDevice({ dawn: ["backend=null"] }), true, capabilities);
      for (const { shapes, run } of [...cases, ...attentions]) {
        gpu.scope(() => {
          const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, gpu.full(1, shape)]));
          adam({ learningRate: 1 }).step(inputs, valueAndGrad((p) => ops.sum(run(p)), inputs).gradients);
        });
      }
      await gradcheckKernel(softmax(), { gpu });
    }
  } finally {
    dispatch.mockRestore();
  }
  return new Map(Array.from(passes.values(), (pass) => [link(pass).code, pass]));
}
