import { ArgumentError } from "../core/errors.js";
import { callable, flag } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Mask, MaskSizes } from "./mask.js";
import { densify } from "./resolve-mask.js";

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
 * A mask from a rule for pairs, which must be pure: it is asked once for every pair of given sizes, and what it said is
 * kept until other sizes come. It becomes a bias with a number for each pair, so that a mask which `causal`,
 * `slidingWindow`, `lengths` or `documents` can say is cheaper by them.
 *
 * @param rule a pure function; without `batch` and `heads` it is asked for entry 0 and head 0, which stand for all
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
  const asked: Mask = {
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
  const answers = answersOf(asked);
  return {
    varies: asked.varies,
    allows(sizes, batch, head, i, j) {
      const { seen, shape } = answers(sizes);
      const row = ((byBatch ? batch : 0) * shape[1] + (byHead ? head : 0)) * shape[2] + i;
      return seen[row * shape[3] + j] === 1;
    },
  };
}

/** What a mask says of every pair, kept until other sizes are asked for. */
function answersOf(mask: Mask): (sizes: MaskSizes) => ReturnType<typeof densify> {
  let last: { readonly sizes: MaskSizes; readonly answers: ReturnType<typeof densify> } | undefined;
  const [byBatch, byHead] = mask.varies;
  return (sizes) => {
    const isSame =
      last?.sizes.queries === sizes.queries &&
      last.sizes.keys === sizes.keys &&
      (!byBatch || last.sizes.batch === sizes.batch) &&
      (!byHead || last.sizes.heads === sizes.heads);
    if (last === undefined || !isSame) last = { sizes, answers: densify(mask, sizes) };
    return last.answers;
  };
}
