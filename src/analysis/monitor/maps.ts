import { spreadOver } from "../../numerics/spread.js";
import { dot } from "../../numerics/vectors.js";

/** Attention weights [batch, heads, queries, keys], and which pairs are seen. */
export interface Maps {
  readonly weights: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> };
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Whether a query sees a key; undefined if all see all. */
  readonly seen?: (batch: number, head: number, query: number, key: number) => boolean;
}

/** Below this Σ_j p_ij (1 - p_ij), the trace of the Jacobian of a softmax row, float32's rounding hides the rest. */
const SATURATED = 1e-6;
/** The smallest normal float32; a GPU may flush smaller numbers to 0. */
const SMALLEST = 2 ** -126;

/** Measures of the rows of one head. */
export interface RowMeasures {
  readonly entropy?: number;
  readonly saturated?: number;
  readonly rowSpread?: number;
  readonly keySpread: number;
  readonly underflow: number;
}

/** 0 for no size at all, so that a matrix of zeros has no spread. */
const relative = (part: number, whole: number): number => (part === 0 ? 0 : Math.sqrt(part / whole));

/** Σ over queries of ‖a_i - ā‖² in one map [queries, keys]. */
function acrossRows(map: ArrayLike<number>, queries: number, keys: number): number {
  const mean = new Float64Array(keys);
  for (let at = 0; at < queries * keys; at++) mean[at % keys] += map[at] / queries;
  let sum = 0;
  for (let at = 0; at < queries * keys; at++) sum += (map[at] - mean[at % keys]) ** 2;
  return sum;
}

/** Entropy, saturation, spreads and underflow of one head's rows. `normalized`: whether its rows sum to 1. */
export function measureRows(maps: Maps, head: number, normalized: boolean): RowMeasures {
  const { weights, batch, heads, queries, keys, seen } = maps;
  let [entropy, saturated, rows, below, pairs, squares, uneven, across] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [hides, negative] = [false, false];
  for (let b = 0; b < batch; b++) {
    const start = (b * heads + head) * queries * keys;
    const map = weights.subarray(start, start + queries * keys);
    across += acrossRows(map, queries, keys);
    for (let i = 0; i < queries; i++) {
      let [sum, own, count] = [0, 0, 0];
      for (let j = 0; j < keys; j++) {
        const weight = map[i * keys + j];
        if (seen?.(b, head, i, j) === false) {
          hides = true;
          continue;
        }
        count++;
        sum += weight;
        own += weight * weight;
        if (Math.abs(weight) < SMALLEST) below++;
        if (weight < 0) negative = true;
      }
      pairs += count;
      squares += own;
      const mean = count === 0 ? 0 : sum / count;
      let [nats, reacts] = [0, 0];
      for (let j = 0; j < keys; j++) {
        if (seen?.(b, head, i, j) === false) continue;
        const weight = map[i * keys + j];
        uneven += (weight - mean) ** 2;
        const share = weight / sum;
        if (share !== 0) nats -= share * Math.log(share);
        reacts += share * (1 - share);
      }
      if (count < 2 || sum === 0) continue;
      rows++;
      entropy += nats / Math.log(count);
      if (reacts < SATURATED) saturated++;
    }
  }
  return {
    ...(rows > 0 && !negative ? { entropy: entropy / rows } : {}),
    ...(rows > 0 && !negative && normalized ? { saturated: saturated / rows } : {}),
    ...(hides || queries < 2 ? {} : { rowSpread: relative(across, squares) }),
    keySpread: relative(uneven, squares),
    underflow: below / pairs,
  };
}

/** Whether every row of the maps that sees a key sums to 1. */
export function sumsToOne({ weights, keys }: Maps): boolean {
  for (let start = 0; start < weights.length; start += keys) {
    let [sum, size] = [0, 0];
    for (let j = 0; j < keys; j++) {
      sum += weights[start + j];
      size = Math.max(size, Math.abs(weights[start + j]));
    }
    if (size > 0 && !(Math.abs(sum - 1) < 1e-3)) return false;
  }
  return true;
}

/** Variances and squared means of the weights over the sequences, for every head; undefined for a single sequence. */
export function dependence({ weights, batch, heads }: Maps):
  | {
      readonly heads: readonly number[];
      readonly all: number;
    }
  | undefined {
  if (batch < 2) return undefined;
  const size = weights.length / batch / heads;
  const parts = Array.from({ length: heads }, (_, head) => {
    const own = new Float64Array(batch * size);
    for (let b = 0; b < batch; b++)
      own.set(weights.subarray((b * heads + head) * size, (b * heads + head + 1) * size), b * size);
    return spreadOver(own, new Float64Array(batch).fill(1 / batch));
  });
  const sum = (of: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    heads: parts.map(({ variance, squares }) => variance / squares),
    all: sum(({ variance }) => variance) / sum(({ squares }) => squares),
  };
}

/** Σ over pairs of (A_ij - r_i)² of the first sequence, r_i the mean of row i over the keys it sees. */
function unevenness({ weights, queries, keys, seen }: Maps, head: number): number {
  let total = 0;
  for (let i = 0; i < queries; i++) {
    const start = (head * queries + i) * keys;
    const own = Array.from(weights.subarray(start, start + keys)).filter((_, j) => seen?.(0, head, i, j) !== false);
    const mean = own.reduce((sum, weight) => sum + weight, 0) / own.length;
    for (const weight of own) total += (weight - mean) ** 2;
  }
  return total;
}

type Part = ReturnType<Maps["weights"]["subarray"]>;

/** ‖x - y‖ in units of the larger of both sizes, which are squares. */
function apart(x: Part, y: Part, sizes: readonly [number, number]): number {
  let sum = 0;
  for (let at = 0; at < x.length; at++) sum += (x[at] - y[at]) ** 2;
  return relative(sum, Math.max(...sizes));
}

const squaresOf = (x: Part): number => dot(x, x);

/**
 * For every head the nearest other on the first sequence, by maps and by values [batch, kvHeads, keys, width];
 * undefined for one head.
 */
export function twins(
  maps: Maps,
  values: Maps["weights"],
  [, kvHeads, , width]: readonly number[],
): readonly { readonly head: number; readonly distance: number }[] | undefined {
  const { weights, heads, queries, keys } = maps;
  if (heads < 2) return undefined;
  const parts = Array.from({ length: heads }, (_, head) => {
    const size = queries * keys;
    const owner = Math.floor((head * kvHeads) / heads);
    const own = values.subarray(owner * keys * width, (owner + 1) * keys * width);
    const map = weights.subarray(head * size, (head + 1) * size);
    return { map, uneven: unevenness(maps, head), own, squares: squaresOf(own) };
  });
  const distance = (one: (typeof parts)[number], other: (typeof parts)[number]): number =>
    Math.max(
      apart(one.map, other.map, [one.uneven, other.uneven]),
      apart(one.own, other.own, [one.squares, other.squares]),
    );
  return parts.map((part, head) => {
    const all = parts.flatMap((other, at) => (at === head ? [] : [{ head: at, distance: distance(part, other) }]));
    return all.reduce((least, next) => (next.distance < least.distance ? next : least));
  });
}
