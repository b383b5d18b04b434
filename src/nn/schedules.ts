import { ArgumentError } from "../core/errors.js";
import { finite, positive, whole, type Kind } from "../core/kinds.js";
import { checkOptions, needed, type Kinds } from "../core/options.js";

/** The learning rate by step; steps count from 0. */
export type Schedule = (step: number) => number;

/** A learning rate as an option: a positive number, or a schedule. */
export const rateKind: Kind<number | Schedule> = {
  wanted: "a finite number above 0, or a schedule",
  holds: (value): value is number | Schedule => typeof value === "function" || positive.holds(value),
  elsewhere: { lr: "learningRate" },
};

/** Options of `constantSchedule`. */
export interface WarmupOptions {
  /** The rate after the warm-up. */
  readonly start: number;
  /** Steps over which the rate rises: start/(warmup + 1), 2 start/(warmup + 1), ... Default 0. */
  readonly warmup?: number;
}

/** Options of `linearSchedule` and `cosineSchedule`. */
export interface DecayOptions extends WarmupOptions {
  /** The rate at the last step, and after it. Default 0. */
  readonly end?: number;
  /** All steps, those of the warm-up included. */
  readonly steps: number;
}

const warmupKinds: Kinds<WarmupOptions> = { start: needed(finite), warmup: whole(0) };
const decayKinds: Kinds<DecayOptions> = { ...warmupKinds, end: finite, steps: needed(whole(1)) };

const rising = (start: number, warmup: number, after: Schedule): Schedule => {
  return (step) => (step < warmup ? (start * (step + 1)) / (warmup + 1) : after(step));
};

/** `start` at the end of the warm-up, 0 at the last step: what a decay multiplies. */
function decaying(where: string, options: DecayOptions, shape: (progress: number) => number): Schedule {
  const { start, end = 0, steps, warmup = 0 } = checkOptions(where, options, decayKinds);
  if (warmup >= steps)
    throw new ArgumentError({
      where,
      argument: "warmup",
      wanted: `fewer than the ${steps} steps`,
      got: String(warmup),
    });
  return rising(start, warmup, (step) => {
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - 1 - warmup));
    return end + (start - end) * shape(progress);
  });
}

/**
 * Rises over `warmup` steps, then stays at `start`.
 *
 * @example
 * const optimizer = adam({ learningRate: constantSchedule({ start: 1e-3, warmup: 100 }) });
 */
export function constantSchedule(options: WarmupOptions): Schedule {
  const { start, warmup = 0 } = checkOptions("constantSchedule", options, warmupKinds);
  return rising(start, warmup, () => start);
}

/**
 * Rises over `warmup` steps, then falls on a line from `start` to `end` at the last of `steps`.
 *
 * @example
 * const optimizer = sgd({ learningRate: linearSchedule({ start: 0.1, steps: 1000 }) });
 */
export function linearSchedule(options: DecayOptions): Schedule {
  return decaying("linearSchedule", options, (progress) => 1 - progress);
}

/**
 * Rises over `warmup` steps, then follows half a cosine from `start` to `end` at the last of `steps` (Loshchilov &
 * Hutter, arXiv 1608.03983).
 *
 * @example
 * const optimizer = adamw({ learningRate: cosineSchedule({ start: 1e-3, steps: 1000, warmup: 100 }) });
 */
export function cosineSchedule(options: DecayOptions): Schedule {
  return decaying("cosineSchedule", options, (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)));
}
