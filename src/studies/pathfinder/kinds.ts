import type { PathfinderOptions } from "./picture.js";

type Side = Omit<PathfinderOptions, "dashes" | "balance">;

/** Parameters by pixels of a side, of Linsley et al. (arXiv 1805.08315) and of Long Range Arena (2011.04006). */
const sides = {
  32: {
    ...{ size: 32, seedDistance: 7, padding: 1, dashLength: 2, thickness: 0.5, margins: [1], contrast: 1 },
    ...{ continuity: 1, dotRadius: 1.5, distractorDashes: 20 },
  },
  64: {
    ...{ size: 64, seedDistance: 12, padding: 1, dashLength: 5, thickness: 1, margins: [1], contrast: 1 },
    ...{ continuity: 1.8, dotRadius: 2.5, distractorDashes: 22 },
  },
  128: {
    ...{ size: 128, seedDistance: 20, padding: 1, dashLength: 5, thickness: 1.5, margins: [2, 3], contrast: 1 },
    ...{ continuity: 1.8, dotRadius: 3, distractorDashes: 35 },
  },
  256: {
    ...{ size: 256, seedDistance: 27, padding: 22, dashLength: 5, thickness: 2, margins: [3], contrast: 1 },
    ...{ continuity: 1.8, dotRadius: 5, distractorDashes: 30 },
  },
} as const satisfies Readonly<Record<number, Side>>;

/** Published numbers of dashes of a contour. */
const LENGTHS = [6, 9, 14];
/** Bins of the balanced dots along a side of a picture: with 32 pixels a bin is one pixel, and nothing leaks. */
const BINS = 32;

const balanced = (picture: Omit<PathfinderOptions, "balance">): PathfinderOptions => ({
  ...picture,
  balance: picture.size / BINS,
});

/** Kinds of pictures by name, with balanced dots: `easy`, and the published ones by size and length. */
export const kinds: Readonly<Record<string, PathfinderOptions>> = {
  easy: balanced({ ...sides[32], dashes: 3, distractorDashes: 0 }),
  ...Object.fromEntries(
    Object.values<Side>(sides).flatMap((side) =>
      LENGTHS.map((dashes) => [`${side.size}-${dashes}`, balanced({ ...side, dashes })]),
    ),
  ),
};
