import { ArgumentError } from "../../core/errors.js";

/** A pixel, by whole numbers of columns and rows from the top left one; ends of dashes may lie between pixels. */
export type Point = readonly [x: number, y: number];

/** Options of a picture; lengths in pixels. */
export interface PathfinderOptions {
  /** Pixels of a side. */
  readonly size: number;
  /** Dashes of each of the two contours. */
  readonly dashes: number;
  /** Dashes of all distractors together. A distractor has a third of the dashes of a contour. */
  readonly distractorDashes: number;
  readonly dashLength: number;
  readonly thickness: number;
  /** Brightness of dashes, from 0 (background) to 1 (the dots). */
  readonly contrast: number;
  /** Empty space around a dash; a picture takes one of these. The dashes of a contour are two margins apart. */
  readonly margins: readonly number[];
  /** Distance between the first ends of the two contours. */
  readonly seedDistance: number;
  /** Width of the border that no dash touches. */
  readonly padding: number;
  /** Stiffness: a dash turns by Δ with a weight of cos²(continuity·Δ), by π/(2·continuity) at most. */
  readonly continuity: number;
  /** Radius of the dots. */
  readonly dotRadius: number;
  /**
   * Width of the bins of the dots' positions. Each bin has as many connected as unconnected pictures, so that the
   * positions of the dots predict nothing. Infinity leaves the dots of the original algorithm as they are.
   */
  readonly balance: number;
}

/** The two dots of a picture. */
export type Dots = readonly [Point, Point];

/** @throws ArgumentError for options that do not fit together. */
export function checkOptions(options: PathfinderOptions): void {
  const { size, dashes, distractorDashes, dashLength, thickness, contrast, margins, seedDistance, padding } = options;
  const { continuity, dotRadius, balance } = options;
  const wrong = (argument: string, wanted: string, got: number | string): never => {
    throw new ArgumentError({ where: "pathfinderScenes", argument, wanted, got: String(got) });
  };
  const wholes = { size: 8, dashes: 2, distractorDashes: 0, seedDistance: 1, padding: 1 } as const;
  for (const [name, least] of Object.entries(wholes)) {
    const value = options[name as keyof typeof wholes];
    if (!Number.isInteger(value) || value < least) wrong(name, `a whole number from ${least}`, value);
  }
  for (const [name, value] of Object.entries({ dashLength, thickness, continuity, dotRadius, balance }))
    if (!(value > 0)) wrong(name, "a number above 0", value);
  if (!(contrast > 0 && contrast <= 1)) wrong("contrast", "a number above 0, at most 1", contrast);
  if (margins.length === 0 || margins.some((margin) => !Number.isInteger(margin) || margin < 1))
    wrong("margins", "whole numbers from 1", margins.join(", "));
  const room = size - 1 - 4 * seedDistance;
  if (room < 0 || padding >= 2 * seedDistance)
    wrong("seedDistance", `more than half the padding ${padding}, at most a quarter of the size ${size}`, seedDistance);
  if (dashes + distractorDashes > size ** 2) wrong("dashes", "fewer dashes than pixels", dashes + distractorDashes);
}
