import { expect } from "vitest";
import {
  and,
  booleanMask,
  causal,
  documents,
  indices,
  kernels,
  lengths,
  ops,
  or,
  random,
  slidingWindow,
  type AttentionInputs,
  type AttentionKernel,
  type Mask,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { compare, emptyPair } from "../../src/cpu/attention-rows.js";
import { attentionCases } from "./attention.js";
import { inputsOf, type Case } from "./cases.js";

export const [batch, heads, n, m] = [2, 2, 7, 9];
const [d, dv] = [3, 6];
export const sizes = { batch, heads, queries: n, keys: m };
const stream = random(9);
export const anywhere = booleanMask(
  Array.from({ length: batch * n * m }, () => stream.uniform() < 0.5),
  [batch, 1, n, m],
);
export const padded = lengths({ queries: [7, 4], keys: [0, 6] });
export const paddedLeft = lengths({ queries: [5, 0], keys: [9, 6], padding: "left" });
/** Documents that come in one order among queries and keys. */
const packedInRuns = documents(indices([0, 0, 1, 2, 2, 4, 6, 3, 3, 3, 3, 5, 6, 6], [batch, n]), {
  keys: indices([0, 1, 1, 1, 2, 2, 5, 6, 6, 3, 4, 4, 5, 5, 5, 6, 6, 7], [batch, m]),
});
/** Truth values over these axes, the others repeated; never a single run of them. */
export const scattered = (shape: readonly number[]): Mask =>
  booleanMask(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, place) => place % 3 !== 1),
    shape,
  );

export const masks: Readonly<Record<string, Mask>> = {
  "causal, top-left": causal(),
  "causal, bottom-right": causal({ align: "bottom-right" }),
  "a sliding window": slidingWindow(2),
  "lengths of queries and keys": padded,
  "a truth value for every pair": anywhere,
  "causal and a window and lengths": and(causal(), slidingWindow(3), padded),
  "a window or anywhere": or(slidingWindow(1), anywhere),
  "lengths, padded on the left": paddedLeft,
  "causal and lengths, padded on the left and on the right": and(
    causal({ align: "bottom-right" }),
    paddedLeft,
    lengths({ keys: [5, 8] }),
  ),
  "keys for all queries": scattered([batch, 1, 1, m]),
  "a run of keys for all queries, in few numbers": booleanMask([0, 0, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, m]),
  "keys of every head, and queries for all keys": and(scattered([1, heads, 1, m]), scattered([batch, 1, n, 1])),
  "keys for all queries, or a window, and a run of queries": and(
    or(scattered([batch, 1, 1, m]), slidingWindow(0)),
    booleanMask([0, 1, 1, 1, 1, 1, 0], [1, 1, n, 1]),
  ),
  "whole batch entries": booleanMask([1, 0], [batch, 1, 1, 1]),
  "documents in one order, some of one token or without keys": packedInRuns,
  "documents in several pieces": documents(indices([3, 0, 3, 1, 1, 0, 5, 2, 1, 2, 1, 2, 1, 2], [batch, n]), {
    keys: [0, 1, 2, 3, 0, 1, 2, 3, 0],
  }),
  "causal and documents and lengths": and(
    causal({ align: "bottom-right" }),
    packedInRuns,
    lengths({ queries: [7, 6], keys: [8, 9] }),
  ),
  "causal and (a window or anywhere)": and(causal({ align: "bottom-right" }), or(slidingWindow(1), anywhere)),
};

export const biasShapes: Readonly<Record<string, readonly number[]>> = {
  "for every pair": [batch, heads, n, m],
  "shared by batch entries": [1, heads, n, m],
  "shared by heads": [batch, 1, n, m],
  "of keys": [batch, 1, 1, m],
  "of the queries of every head": [1, heads, n, 1],
  "of heads": [1, heads, 1, 1],
  relative: [heads, n + m - 1],
  "relative, shared by heads": [1, n + m - 1],
};

export const tiled = Object.entries(kernels).filter(
  (entry): entry is [string, () => TiledKernel] => "formula" in entry[1](),
);
export const composed = Object.entries(kernels).filter(([, factory]) => "compose" in factory());
/** Queries, keys, values and what the kernel takes beside them, by name; its parameters keep their initial values. */
export function inputsFor(name: string): { shapes: Case["shapes"]; data: Record<string, Float32Array> } {
  const { fused } = attentionCases(name, { batch, heads, n, m, d, dv });
  const kernel = kernels[name]();
  const learned = new Set("parameters" in kernel ? kernel.parameters.map((parameter) => parameter.name) : []);
  const shapes = Object.fromEntries(Object.entries(fused.shapes).filter(([input]) => !learned.has(input)));
  // A draw in which central differences meet no kink of relu or elu, and no row sum of polynomial near 0.
  const data = inputsOf({ shapes }, 23);
  // λ of differential attention is well away from 1 where learning starts; at 1 an RMS norm divides by almost nothing.
  const starts = "compose" in kernel ? (kernel.inputs ?? []) : [];
  for (const { name: input, initial } of starts)
    if (initial !== undefined) data[input] = Float32Array.from(initial(shapes[input], random(6)));
  return { shapes, data };
}

interface Explicit {
  readonly output: number[];
  readonly statistic: number[];
}

/** Attention by explicit loops over every pair, in float64, and the row sums of its weights. */
export async function explicit(
  kernel: TiledKernel,
  inputs: AttentionInputs,
  mask: Mask,
  biasAt: (...place: number[]) => number,
  softcap?: number,
): Promise<Explicit> {
  const { formula, normalizer, parameters } = kernel;
  const learned = Float64Array.from(parameters, ({ initial }) => initial({ ...sizes, dim: d }));
  // Under a softcap no part of a score is a bias of the kernel's own, but for one of relative positions.
  const prepared =
    kernel.prepare?.(inputs, { softcap: softcap ?? Infinity, affordsBias: false, isMasked: false }) ?? inputs;
  const [q, k, v] = await Promise.all(
    [prepared.q, prepared.k, prepared.v].map(async (x) => Float64Array.from(await x.read())),
  );
  const width = prepared.q.shape[3];
  const positions = "positions" in inputs ? await inputs["positions"].read() : undefined;
  const pair = emptyPair();
  const output: number[] = [];
  const statistic: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < n; i++) {
        const weights: number[] = [];
        for (let j = 0; j < m; j++) {
          compare(formula, q, ((b * heads + h) * n + i) * width, k, ((b * heads + h) * m + j) * width, width, pair);
          const plain = formula.score(pair, learned);
          const own = positions === undefined ? 0 : positions[h * (n + m - 1) + i - j + m - 1];
          const score =
            (softcap === undefined ? plain : softcap * Math.tanh(plain / softcap)) + own + biasAt(b, h, i, j);
          const weight = normalizer === "softmax" ? Math.exp(score) : formula.weight(score);
          weights.push(mask.allows(sizes, b, h, i, j) ? weight : 0);
        }
        const sum = weights.reduce((x, y) => x + y);
        const total = { softmax: sum, sum, count: m, none: 1 }[normalizer];
        statistic.push(normalizer === "softmax" ? Math.log(sum) : total);
        for (let c = 0; c < dv; c++) {
          const mixed = weights.reduce((x, weight, j) => x + weight * v[((b * heads + h) * m + j) * dv + c], 0);
          output.push(total === 0 ? 0 : mixed / total);
        }
      }
    }
  }
  return { output, statistic };
}

/** Those inputs through which gradients flow. */
export function moving(kernel: AttentionKernel, inputs: AttentionInputs): Record<string, Tensor> {
  const fixed = new Set((kernel.inputs ?? []).filter((input) => input.fixed).map((input) => input.name));
  return Object.fromEntries(Object.entries(inputs).filter(([input]) => !fixed.has(input)));
}

/**
 * Σ of the output times fixed random numbers: unlike a sum of squares it does not vanish where rows have unit length.
 */
export function weighted(output: Tensor): Tensor {
  return ops.sum(ops.multiply(output, output.backend.tensor(random(8).normals(output.size), output.shape)));
}

export function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  const scale = Array.from(wanted).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  Array.from(wanted).forEach((value, index) => expect(Math.abs(actual[index] - value) / scale).toBeLessThan(tolerance));
}
