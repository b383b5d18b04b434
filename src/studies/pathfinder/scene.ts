import { ArgumentError } from "../../core/errors.js";
import type { Random } from "../../core/random.js";

export type Point = readonly [x: number, y: number];

/** Options that make a picture easy or hard; lengths in pixels. */
export interface PathfinderOptions {
  /** Pixels of a side. */
  readonly size: number;
  /** Dashes of each of the two long paths. */
  readonly dashes: number;
  /** Short paths beside the two long ones. */
  readonly distractors: number;
  readonly dashLength: number;
  /** Empty space between the dashes of a path. */
  readonly gap: number;
  /** Brightness of dashes, from 0 (background) to 1 (the dots). */
  readonly contrast: number;
  readonly thickness: number;
  /** Radius of the dots. */
  readonly dotRadius: number;
  /** Largest change of direction from dash to dash, in radians. */
  readonly turn: number;
  /** Least distance between two paths. */
  readonly clearance: number;
  /**
   * Most difference of the dots' distance between the connected and the unconnected picture of the same paths. The
   * smaller, the less the distance predicts the label.
   */
  readonly distanceTolerance: number;
}

/** Corners of a path. Every leg between two corners is a dash and a gap; the last leg is only a dash. */
export type Path = readonly Point[];

export interface Scene {
  readonly options: PathfinderOptions;
  /** The two long paths, then the distractors. */
  readonly paths: readonly Path[];
  readonly dots: readonly [Point, Point];
  /** Whether the dots are the two ends of one path. */
  readonly connected: boolean;
}

/** Distance between the points at which two paths are compared, small against the clearance. */
const SPACING = 1;
/** Places tried for one path before the picture is drawn anew. */
const PLACES = 200;
/** Pictures tried before the options count as impossible. */
const PICTURES = 1000;
/** Dashes of a distractor, as a share of those of a long path (Linsley et al., arXiv 1805.08315, have a third). */
const DISTRACTOR_SHARE = 1 / 3;

export const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
const ends = (path: Path): [Point, Point] => [path[0], path[path.length - 1]];

/** Points along a path, including both ends. */
function pointsAlong(path: Path): Point[] {
  return path.slice(1).flatMap((corner, index) => {
    const [x, y] = path[index];
    const count = Math.ceil(distance(corner, path[index]) / SPACING);
    return Array.from({ length: count + 1 }, (_, step): Point => [
      x + ((corner[0] - x) * step) / count,
      y + ((corner[1] - y) * step) / count,
    ]);
  });
}

const farFrom = (points: readonly Point[], others: readonly Point[], least: number): boolean =>
  points.every(([x, y]) => others.every((other) => (x - other[0]) ** 2 + (y - other[1]) ** 2 >= least ** 2));

/**
 * A path inside the picture, at least the clearance away from `taken`, and half of it from its own legs before the last
 * one. Undefined if it does not fit.
 */
function drawPath(
  options: PathfinderOptions,
  dashes: number,
  taken: readonly Point[],
  source: Random,
): Path | undefined {
  const { size, dashLength, gap, turn, clearance, dotRadius } = options;
  const margin = dotRadius + 1;
  const inside = (at: number): boolean => at >= margin && at <= size - margin;
  const place = (): number => margin + source.uniform() * (size - 2 * margin);
  const path: Point[] = [[place(), place()]];
  let heading = 2 * Math.PI * source.uniform();
  for (let dash = 0; dash < dashes; dash++) {
    const [x, y] = path[path.length - 1];
    const length = dashLength + (dash === dashes - 1 ? 0 : gap);
    const corner: Point = [x + length * Math.cos(heading), y + length * Math.sin(heading)];
    const leg = pointsAlong([[x, y], corner]);
    const own = path.length > 2 ? pointsAlong(path.slice(0, -1)) : [];
    if (!corner.every(inside) || !farFrom(leg, taken, clearance) || !farFrom(leg.slice(1), own, clearance / 2))
      return undefined;
    path.push(corner);
    heading += turn * (2 * source.uniform() - 1);
  }
  return path;
}

type Pair = readonly [Point, Point];

/**
 * One end of each path, with the distance nearest to that between the ends of the first; `excess` is the difference of
 * the two distances.
 */
function matchingEnds(first: Path, second: Path): { readonly pair: Pair; readonly excess: number } {
  const wanted = distance(...ends(first));
  const pairs = ends(first).flatMap((a) => ends(second).map((b): Pair => [a, b]));
  return pairs
    .map((pair) => ({ pair, excess: Math.abs(distance(...pair) - wanted) }))
    .reduce((best, next) => (next.excess < best.excess ? next : best));
}

function drawPaths(options: PathfinderOptions, source: Random): Path[] | undefined {
  const short = Math.max(1, Math.round(options.dashes * DISTRACTOR_SHARE));
  const lengths = [options.dashes, options.dashes, ...Array.from({ length: options.distractors }, () => short)];
  const paths: Path[] = [];
  const taken: Point[] = [];
  for (const dashes of lengths) {
    let path: Path | undefined;
    for (let place = 0; place < PLACES && path === undefined; place++) {
      path = drawPath(options, dashes, taken, source);
      if (path !== undefined && paths.length === 1 && matchingEnds(paths[0], path).excess > options.distanceTolerance)
        path = undefined;
    }
    if (path === undefined) return undefined;
    paths.push(path);
    taken.push(...pointsAlong(path));
  }
  return paths;
}

function check(options: PathfinderOptions): void {
  const { size, dashes, distractors, dashLength, gap, contrast, thickness, dotRadius, clearance } = options;
  const wrong = (argument: string, wanted: string, got: number): never => {
    throw new ArgumentError({ where: "pathfinderScene", argument, wanted, got: String(got) });
  };
  for (const [name, value, least] of [
    ["size", size, 8],
    ["dashes", dashes, 1],
    ["distractors", distractors, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least) wrong(name, `a whole number from ${least}`, value);
  }
  for (const [name, value] of Object.entries({ thickness, dotRadius }))
    if (!(value > 0)) wrong(name, "a positive length", value);
  if (!(dashLength > thickness)) wrong("dashLength", `a length above the thickness ${thickness}`, dashLength);
  if (!(gap >= 0)) wrong("gap", "a length of at least 0", gap);
  if (!(contrast > 0 && contrast <= 1)) wrong("contrast", "a number above 0, at most 1", contrast);
  // two dots, each blurred by half a pixel, must leave a dark pixel between them, also diagonally
  const least = 2 * dotRadius + 1 + Math.SQRT2;
  if (!(clearance >= least))
    wrong("clearance", `at least ${least.toFixed(2)}, so that dots of different paths do not touch`, clearance);
}

/**
 * Two long dashed paths, distractors, and two dots: on the two ends of one long path, or on one end of each.
 *
 * Both kinds come from the same paths and differ only in the dots. Dots on two paths take the ends whose distance is
 * nearest to that between the ends of one path. After Linsley et al., arXiv 1805.08315, and Long Range Arena, arXiv
 * 2011.04006.
 * @throws ArgumentError for options that leave no room.
 */
export function pathfinderScene(options: PathfinderOptions, connected: boolean, source: Random): Scene {
  check(options);
  for (let picture = 0; picture < PICTURES; picture++) {
    const paths = drawPaths(options, source);
    if (paths === undefined) continue;
    return { options, paths, dots: connected ? ends(paths[0]) : matchingEnds(paths[0], paths[1]).pair, connected };
  }
  throw new ArgumentError({
    where: "pathfinderScene",
    argument: "options",
    wanted:
      `two paths of ${options.dashes} dashes and ${options.distractors} distractors that fit into ` +
      `${options.size} × ${options.size} pixels`,
    got: `none in ${PICTURES} attempts`,
    fix: "Ask for fewer dashes or distractors, less clearance, or a larger picture.",
  });
}
