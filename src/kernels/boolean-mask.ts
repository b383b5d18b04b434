import { ArgumentError, ShapeError } from "../core/errors.js";
import { numbers, shapeKind } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { formatShape, sizeOf, stridesOf, type Shape } from "../core/shape.js";
import { everything, remembered, type Mask, type MaskRun, type MaskRuns } from "./mask.js";

/** The run of true values in every row of `width`; undefined if a row has more than one run. */
function runsOf(values: ArrayLike<boolean | number>, width: number): MaskRun[] | undefined {
  const runs: MaskRun[] = [];
  for (let start = 0; start < values.length; start += width) {
    const isSeen = (place: number): boolean => place < width && Boolean(values[start + place]);
    let first = 0;
    while (first < width && !isSeen(first)) first++;
    let end = first;
    while (isSeen(end)) end++;
    for (let rest = end; rest < width; rest++) if (isSeen(rest)) return undefined;
    runs.push([first, end]);
  }
  return runs;
}

/** The mask as runs of queries or of keys, if it has that form. */
function runsIn(
  values: ArrayLike<boolean | number>,
  [, heads, queries, keys]: Shape,
): ((batch: number) => MaskRuns) | undefined {
  if (heads > 1 || Math.min(queries, keys) > 1 || Math.max(queries, keys) === 1) return undefined;
  const runs = runsOf(values, Math.max(queries, keys));
  if (runs === undefined) return undefined;
  return (batch) => {
    const all = runs.length === batch ? runs : Array.from({ length: batch }, () => runs[0]);
    return queries > 1 ? { queries: all } : { keys: all };
  };
}

/**
 * A mask of `values`, true (or 1) where the query may see the key, row-major in `shape` [batch or 1, heads or 1, n or
 * 1, m or 1]. Axes of extent 1 are repeated, so [batch, 1, 1, m] hides keys from all queries. If the visible keys (or
 * queries) of every batch entry are one run, tiles are skipped as with `lengths`, unless there is a bias.
 *
 * @example
 * const mask = booleanMask([1, 1, 1, 0, 1, 1, 0, 0], [2, 1, 1, 4]); // hides key 3, and in entry 1 also key 2
 * const out = attention(softmax(), { q, k, v }, { mask });
 */
export function booleanMask(values: ArrayLike<boolean | number>, shape: Shape): Mask {
  checkArguments("booleanMask", { values, shape }, { values: numbers, shape: shapeKind });
  if (shape.length !== 4 || sizeOf(shape) !== values.length) {
    throw new ShapeError({
      where: "booleanMask",
      argument: "shape",
      wanted: `[batch or 1, heads or 1, n or 1, m or 1] of ${values.length} values`,
      got: formatShape(shape),
      fix: "A mask of keys is [batch, 1, 1, m].",
    });
  }
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (typeof value === "boolean" || value === 0 || value === 1) continue;
    throw new ArgumentError({
      where: "booleanMask",
      argument: "values",
      wanted: "truth values, or 1 where a pair is seen and 0 elsewhere",
      got: String(value),
      fix: "Numbers that are added to scores are a bias: attention(kernel, inputs, { bias }).",
    });
  }
  const strides = stridesOf(shape);
  const runs = runsIn(values, shape);
  const check = remembered((sizes) => {
    const wanted = [sizes.batch, sizes.heads, sizes.queries, sizes.keys];
    if (shape.every((extent, axis) => extent === wanted[axis] || extent === 1)) return;
    throw new ShapeError({
      where: "booleanMask",
      argument: "shape",
      wanted: formatShape(wanted).replaceAll(/\d+/g, "$& or 1"),
      got: formatShape(shape),
    });
  });
  return {
    varies: [shape[0] > 1, shape[1] > 1, shape[2] > 1, shape[3] > 1],
    joinsBias: true,
    ...(runs && {
      structure(sizes) {
        check(sizes);
        return { band: everything, runs: runs(sizes.batch) };
      },
    }),
    allows(sizes, batch, head, i, j) {
      check(sizes);
      return Boolean(values[batch * strides[0] + head * strides[1] + i * strides[2] + j * strides[3]]);
    },
  };
}
