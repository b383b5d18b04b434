import { ArgumentError } from "../../core/errors.js";
import type { Random } from "../../core/random.js";
import { checkOptions, type Dots, type PathfinderOptions } from "./picture.js";
import { contourDrawer, type Contour, type ContourDrawer } from "./contours.js";

/** Two contours and where the dots are. */
export interface Sketch {
  readonly contours: readonly [Contour, Contour];
  readonly dots: Dots;
  /** Whether the dots are the two ends of one contour. */
  readonly connected: boolean;
  /** Draws the distractors that find room. */
  readonly distractors: (source: Random) => readonly Contour[];
}

/** A picture without its pixels. */
export interface Scene extends Omit<Sketch, "distractors"> {
  readonly options: PathfinderOptions;
  readonly distractors: readonly Contour[];
}

/** Attempts before the options count as impossible; of the hardest published pictures one in 300 succeeds. */
const ATTEMPTS = 100_000;

/** The two contours of one attempt, with dots on them; a fair coin decides whether they are connected. */
function sketchWith(drawer: ContourDrawer, source: Random): Sketch | undefined {
  const contours = drawer.contours(source);
  if (contours === undefined) return undefined;
  const origin = source.integer(2);
  const connected = source.integer(2) === 1;
  const [from, to] = [contours[origin], contours[connected ? origin : 1 - origin]];
  const dots = [from[0].tail, to[to.length - 1].head] as const;
  return { contours, dots, connected, distractors: (own) => drawer.distractors(contours, own) };
}

/**
 * Draws sketches of Pathfinder pictures: two dashed contours, and dots on both ends of one or on one end of each.
 *
 * The algorithm is that of Linsley et al., arXiv 1805.08315, in their published code: the contours start a fixed
 * distance apart and grow in turn, dash by dash; if one has no room, both start again.
 * @throws ArgumentError for options that leave no room.
 */
export function pathfinderSketches(options: PathfinderOptions): (source: Random) => Sketch {
  checkOptions(options);
  const drawers = options.margins.map((margin) => contourDrawer(options, margin));
  return (source) => {
    const drawer = drawers[source.integer(drawers.length)];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sketch = sketchWith(drawer, source);
      if (sketch !== undefined) return sketch;
    }
    throw new ArgumentError({
      where: "pathfinderScenes",
      argument: "options",
      wanted: `two contours of ${options.dashes} dashes that fit into ${options.size} × ${options.size} pixels`,
      got: `none in ${ATTEMPTS} attempts`,
      fix: "Ask for fewer or shorter dashes, smaller margins, or a larger picture.",
    });
  };
}
