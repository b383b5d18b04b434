import { ShapeError } from "../core/errors.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { listOf, numbers, whole, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape, type Shape } from "../core/shape.js";
import { everything, type Mask, type MaskRun, type MaskSizes } from "./mask.js";

/** Options of `documents`. */
export interface DocumentsOptions {
  /** The document of every key, where queries attend to another sequence: [m] or [batch, m]. Default: the ids. */
  readonly keys?: ArrayLike<number> | Indices;
}

const idsKind: Kind<ArrayLike<number> | Indices> = {
  wanted: "an array of whole numbers of at least 0, or indices(values, [batch, n])",
  holds: (value): value is ArrayLike<number> | Indices =>
    indicesKind.holds(value) || (numbers.holds(value) && listOf(whole(0)).holds(value)),
};

/** Ids by batch entry; a single row is that of all entries. */
interface Packing {
  readonly rows: readonly (readonly number[])[];
  readonly shape: Shape;
}

function packingOf(argument: string, ids: ArrayLike<number> | Indices): Packing {
  const { values, shape } = indicesKind.holds(ids) ? ids : { values: ids, shape: [ids.length] };
  if (shape.length < 1 || shape.length > 2)
    throw new ShapeError({ where: "documents", argument, wanted: "[n] or [batch, n]", got: formatShape(shape) });
  const tokens = shape[shape.length - 1];
  const all = Array.from(values);
  const rows = Array.from({ length: shape.length === 2 ? shape[0] : 1 }, (_, row) =>
    all.slice(row * tokens, (row + 1) * tokens),
  );
  return { rows, shape };
}

/** The run of tokens of every document; undefined if a document has several. */
function runsOf(ids: readonly number[]): ReadonlyMap<number, MaskRun> | undefined {
  const runs = new Map<number, MaskRun>();
  for (let first = 0, end = 0; first < ids.length; first = end) {
    if (runs.has(ids[first])) return undefined;
    while (end < ids.length && ids[end] === ids[first]) end++;
    runs.set(ids[first], [first, end]);
  }
  return runs;
}

/** The run of every token's document on the other side; undefined if the documents come in another order there. */
function spansOf(ids: readonly number[], others: ReadonlyMap<number, MaskRun>): MaskRun[] | undefined {
  const spans: MaskRun[] = [];
  let last: MaskRun = [0, 0];
  for (const id of ids) {
    const run = others.get(id) ?? [last[1], last[1]];
    if (run[0] < last[0] || run[1] < last[1]) return undefined;
    spans.push(run);
    last = run;
  }
  return spans;
}

/**
 * The spans of one batch entry as in `MaskSpans`; undefined if a document is in several pieces, or comes in another
 * order among the keys.
 */
function entrySpans(queries: readonly number[], keys: readonly number[]): number[] | undefined {
  const [queryRuns, keyRuns] = [runsOf(queries), runsOf(keys)];
  if (queryRuns === undefined || keyRuns === undefined) return undefined;
  const [ofQueries, ofKeys] = [spansOf(queries, keyRuns), spansOf(keys, queryRuns)];
  if (ofQueries === undefined || ofKeys === undefined) return undefined;
  const none: MaskRun = [0, 0];
  return Array.from({ length: Math.max(queries.length, keys.length) }, (_, place) => [
    ...(place < queries.length ? ofQueries[place] : none),
    ...(place < keys.length ? ofKeys[place] : none),
  ]).flat();
}

/** Throws unless there is an id for every token, in one row for all batch entries or in one for each. */
function checkTokens(argument: string, { shape }: Packing, batch: number, tokens: number, fix?: string): void {
  if (shape[shape.length - 1] === tokens && (shape.length === 1 || shape[0] === 1 || shape[0] === batch)) return;
  throw new ShapeError({
    where: "documents",
    argument,
    wanted: `[${tokens}] or [${batch}, ${tokens}]`,
    got: formatShape(shape),
    fix,
  });
}

const ONE_SEQUENCE = "A packed sequence attends to itself. For keys of another one: documents(ids, { keys: keyIds }).";

/**
 * A mask for documents that are packed into one sequence: query i sees key j where ids_i = ids_j. Add `causal()` by
 * `and` for a language model.
 *
 * Where the tokens of every document are consecutive, tiles of other documents are skipped. Time is then proportional
 * to the sum of the squared lengths of the documents, up to whole tiles, and the mask takes four numbers a token. Ids
 * in any other order give a dense mask, with a number for each pair. Where keys have ids of their own, tiles are
 * skipped if the documents come in the same order on both sides.
 *
 * @param ids the document of every token: [n], the same for all batch entries, or `indices(ids, [batch, n])`
 * @throws ShapeError unless there is an id for every query, and one of `keys` (by default the ids) for every key.
 * @example
 * attention(softmax(), { q, k, v }, { mask: and(causal(), documents([0, 0, 0, 1, 1, 2])) });
 */
export function documents(ids: ArrayLike<number> | Indices, options: DocumentsOptions = {}): Mask {
  checkArguments("documents", { ids }, { ids: idsKind });
  const { keys: keyIds } = checkOptions("documents", options, { keys: idsKind });
  const queries = packingOf("ids", ids);
  const keys = keyIds === undefined ? queries : packingOf("keys", keyIds);
  const rows = Math.max(queries.rows.length, keys.rows.length);
  const rowOf = (packing: Packing, entry: number): readonly number[] =>
    packing.rows[packing.rows.length === 1 ? 0 : entry];
  const check = (sizes: MaskSizes): void => {
    const fix = keyIds === undefined ? ONE_SEQUENCE : undefined;
    checkTokens("ids", queries, sizes.batch, sizes.queries, fix);
    checkTokens(keyIds === undefined ? "ids" : "keys", keys, sizes.batch, sizes.keys, fix);
  };
  const spans: number[][] = [];
  for (let row = 0; row < rows; row++) {
    const entry = entrySpans(rowOf(queries, row) ?? [], rowOf(keys, row) ?? []);
    if (entry === undefined) break;
    spans.push(entry);
  }
  const isRuns = spans.length === rows;
  return {
    varies: [rows > 1, false],
    ...(isRuns && {
      structure(sizes) {
        check(sizes);
        const all = Array.from({ length: sizes.batch }, (_, entry) => spans[rows === 1 ? 0 : entry]);
        return { band: everything, runs: {}, spans: all.flat() };
      },
    }),
    allows(sizes, batch, _head, i, j) {
      check(sizes);
      return rowOf(queries, batch)[i] === rowOf(keys, batch)[j];
    },
  };
}
