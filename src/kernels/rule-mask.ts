import { ArgumentError, ShapeError } from "../core/errors.js";
import { indices, indicesKind, type Indices } from "../core/indices.js";
import { callable, flag, numbers } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Mask } from "./mask.js";

/** Options of `maskOf`. */
export interface MaskOfOptions {
  /** Whether the rule depends on the batch entry. Default false: it is asked for entry 0. */
  readonly batch?: boolean;
  /** Whether the rule depends on the head. Default false: it is asked for head 0. */
  readonly heads?: boolean;
}

/** Whether query i of a head of a batch entry may see key j. */
export type MaskRule = (batch: number, head: number, i: number, j: number) => boolean;

/**
 * A mask from a rule for pairs. The rule is asked for every pair and becomes a bias with a number for each, so that a
 * mask which `causal`, `slidingWindow` or `lengths` can say is cheaper by them.
 *
 * @param rule a pure function
 * @throws ArgumentError where the rule gives anything but true or false.
 * @example
 * const everySecond = maskOf((batch, head, i, j) => (i - j) % 2 === 0);
 * attention(softmax(), { q, k, v }, { mask: and(causal(), everySecond) });
 */
export function maskOf(rule: MaskRule, options: MaskOfOptions = {}): Mask {
  checkArguments("maskOf", { rule }, { rule: callable });
  const { batch: byBatch = false, heads: byHead = false } = checkOptions("maskOf", options, {
    batch: flag,
    heads: flag,
  });
  return {
    varies: [byBatch, byHead],
    allows(_sizes, entry, place, i, j) {
      // another mask that this one is joined with may vary where the rule does not
      const [batch, head] = [byBatch ? entry : 0, byHead ? place : 0];
      const seen: unknown = rule(batch, head, i, j);
      if (typeof seen === "boolean") return seen;
      throw new ArgumentError({
        where: "maskOf",
        argument: "rule",
        wanted: "true or false for every pair",
        got: `${String(seen)} for batch ${batch}, head ${head}, query ${i}, key ${j}`,
      });
    },
  };
}

/**
 * A mask for documents that are packed into one sequence: a query sees the keys of its own document.
 *
 * It becomes a bias with a number for each pair. Add `causal()` by `and` for a language model.
 *
 * @param ids the document of every token: [n], or `indices(ids, [batch, n])`; any whole numbers, in any order
 * @throws ShapeError where n is not the number of queries and of keys.
 * @example
 * attention(softmax(), { q, k, v }, { mask: and(causal(), documents([0, 0, 0, 1, 1, 2])) });
 */
export function documents(ids: ArrayLike<number> | Indices): Mask {
  const isShaped = indicesKind.holds(ids);
  if (!isShaped) checkArguments("documents", { ids }, { ids: numbers });
  const { values, shape } = isShaped ? ids : indices(ids);
  if (shape.length < 1 || shape.length > 2)
    throw new ShapeError({
      where: "documents",
      argument: "ids",
      wanted: "[n] or [batch, n]",
      got: `[${shape.join(", ")}]`,
    });
  const n = shape.at(-1)!;
  const rows = shape.length === 2 ? shape[0] : 1;
  return {
    varies: [rows > 1, false],
    allows({ batch: entries, queries, keys }, batch, _head, i, j) {
      if (queries !== n || keys !== n || (rows > 1 && rows !== entries)) {
        throw new ShapeError({
          where: "documents",
          argument: "ids",
          wanted: `the documents of ${queries} queries and ${keys} keys in ${entries} batch entries`,
          got: `[${shape.join(", ")}]`,
          fix: "Packed sequences attend to themselves: give one id for every token.",
        });
      }
      const row = rows > 1 ? batch * n : 0;
      return values[row + i] === values[row + j];
    },
  };
}
