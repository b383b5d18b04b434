import { ArgumentError } from "../core/errors.js";
import { callable, flag } from "../core/kinds.js";
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
 * mask which `causal`, `slidingWindow`, `lengths` or `documents` can say is cheaper by them.
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
