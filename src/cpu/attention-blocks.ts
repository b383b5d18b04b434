import type { Formula, Pair } from "../kernels/kernel.js";
import { manhattanComponent } from "../kernels/laplacian.js";
import { HIDING, type AttentionAttributes } from "../kernels/primitives.js";
import { accumulate, gridOf, type PairFunction } from "../numerics/pair-products.js";
import { biasStart, dot, eachRow, emptyPair, parametersOf, visibleRange, type Row } from "./attention-rows.js";
import type { Numbers, Operand } from "./backend.js";

/** Queries of one head at a time. */
const BLOCK = 64;

/** How blocks compute a kernel's pair product; undefined where it is computed pair by pair. */
export function pairFunctionOf({ component }: Formula): PairFunction | undefined {
  if (component === undefined) return "product";
  return component === manhattanComponent ? "absoluteDifference" : undefined;
}

/** Whether a kernel's score or its partials read ‖q - k‖², which takes a second sum over the pair. */
function readsDistance(formula: Formula, learned: Float64Array): boolean {
  let reads = false;
  const pair: Pair = Object.defineProperty(emptyPair(), "distance", { get: () => ((reads = true), 0) });
  formula.score(pair, learned);
  formula.partials(pair, learned, {
    product: 0,
    queryNorm: 0,
    keyNorm: 0,
    parameters: new Float64Array(learned.length),
  });
  return reads;
}

/** Fills `result` with ‖x_i‖² of rows. */
function setNorms(result: Float64Array, data: Numbers, start: number, rows: number, width: number): void {
  for (let row = 0; row < rows; row++) result[row] = dot(data, start + row * width, data, start + row * width, width);
}

/** Queries of one head, and what the scores of their pairs depend on. The next block takes its memory. */
export interface Block {
  readonly rows: readonly Row[];
  /** The shortest run of keys with all that any of the queries sees: from `first` on, `width` of them. */
  readonly first: number;
  readonly width: number;
  readonly learned: Float64Array;
  /** Pair products and, where the kernel reads them, distances: [rows, width]. */
  readonly products: Float64Array;
  readonly distances: Float64Array | undefined;
  readonly queryNorms: Float64Array;
  readonly keyNorms: Float64Array;
}

/** Calls `visit` with the queries of all heads in blocks. */
export function eachBlock(
  [{ data: q }, { data: k }, parameters]: readonly [Operand, Operand, Operand],
  attributes: AttentionAttributes,
  visit: (block: Block) => void,
): void {
  const { queries, keys, dim } = attributes.extents;
  const { formula } = attributes.kernel;
  const needsDistances = readsDistance(formula, parametersOf(parameters, 0));
  const most = Math.min(BLOCK, queries);
  const [products, distances] = [true, needsDistances].map((needed) => new Float64Array(needed ? most * keys : 0));
  const [queryNorms, keyNorms] = [new Float64Array(most), new Float64Array(keys)];
  let rows: Row[] = [];
  eachRow(attributes.extents, (row) => {
    if (row.i === 0) setNorms(keyNorms, k, row.keys, keys, dim);
    rows.push(row);
    if (rows.length < BLOCK && row.i < queries - 1) return;
    let [first, end] = [keys, 0];
    for (const each of rows) {
      const [start, stop] = visibleRange(each, attributes);
      if (start >= stop) continue;
      first = Math.min(first, start);
      end = Math.max(end, stop);
    }
    const [block, width] = [rows, Math.max(0, end - first)];
    rows = [];
    const [left, right] = [gridOf(q, block[0].query, block.length, dim), gridOf(k, row.keys + first * dim, width, dim)];
    const fill = (of: PairFunction, pairs: Float64Array<ArrayBuffer>): Float64Array => {
      accumulate(of, left, right, gridOf(pairs.fill(0, 0, block.length * width), 0, block.length, width));
      return pairs;
    };
    setNorms(queryNorms, q, block[0].query, block.length, dim);
    visit({
      rows: block,
      first,
      width,
      learned: parametersOf(parameters, row.head),
      products: fill(pairFunctionOf(formula)!, products),
      distances: needsDistances ? fill("squaredDifference", distances) : undefined,
      queryNorms,
      keyNorms,
    });
  });
}

/**
 * Fills `pair` for every key that row r of a block sees, and calls `visit` with the pair's place in [rows, width], the
 * place of its bias, and the bias.
 */
export function eachSeen(
  { rows, first, width, products, distances, queryNorms, keyNorms }: Block,
  r: number,
  bias: Numbers | undefined,
  attributes: AttentionAttributes,
  pair: Pair,
  visit: (at: number, biasAt: number, added: number) => void,
): void {
  const [start, end] = visibleRange(rows[r], attributes);
  const { bias: layout } = attributes;
  const [biasFirst, biasStep] = layout === undefined ? [0, 0] : [biasStart(rows[r], layout), layout.strides[3]];
  pair.queryNorm = queryNorms[r];
  for (let j = start; j < end; j++) {
    const biasAt = biasFirst + j * biasStep;
    const added = bias === undefined ? 0 : bias[biasAt];
    if (added <= HIDING) continue;
    const at = r * width + j - first;
    pair.product = products[at];
    pair.keyNorm = keyNorms[j];
    if (distances !== undefined) pair.distance = distances[at];
    visit(at, biasAt, added);
  }
}
