import type { PathfinderOptions } from "./scene.js";

const line32 = { size: 32, dashLength: 3, thickness: 1, dotRadius: 1.25, clearance: 5 } as const;
const line128 = { size: 128, dashLength: 6, thickness: 2, dotRadius: 3, clearance: 9 } as const;

/**
 * Kinds of pictures by name, from the easiest to those of the size that Long Range Arena calls Path-X.
 *
 * In `easiest` the distance between the dots predicts the label well, in the other kinds it does not. `matched` is
 * otherwise like `easiest`.
 */
export const difficulties = {
  easiest: {
    ...line32,
    dashes: 1,
    dashLength: 6,
    distractors: 0,
    gap: 2,
    contrast: 0.5,
    turn: 0,
    distanceTolerance: Infinity,
  },
  matched: {
    ...line32,
    dashes: 1,
    dashLength: 6,
    distractors: 0,
    gap: 2,
    contrast: 0.5,
    turn: 0,
    distanceTolerance: 0.3,
  },
  easy: { ...line32, dashes: 3, distractors: 1, gap: 2, contrast: 1, turn: 0.5, distanceTolerance: 0.3 },
  paper: { ...line32, dashes: 6, distractors: 2, gap: 2, contrast: 0.8, turn: 0.6, distanceTolerance: 1 },
  large: { ...line128, dashes: 14, distractors: 6, gap: 3, contrast: 0.8, turn: 0.5, distanceTolerance: 2 },
} as const satisfies Readonly<Record<string, PathfinderOptions>>;

export type Difficulty = keyof typeof difficulties;
