import type { Random } from "../../core/random.js";
import { pictureMask, type Placed, type Shape } from "./mask.js";
import type { PathfinderOptions, Point } from "./picture.js";

/** A stroke from its tail to its head. */
export interface Dash extends Placed {
  readonly tail: Point;
  readonly head: Point;
}

export type Contour = readonly Dash[];

/** Draws the contours and distractors of pictures with one margin. */
export interface ContourDrawer {
  /** Two contours; undefined if this attempt found no room for a dash. */
  contours(source: Random): readonly [Contour, Contour] | undefined;
  /** Distractors beside these contours. Those that find no room are left out. */
  distractors(contours: readonly Contour[], source: Random): Contour[];
}

/** Heads drawn for a dash before its contour counts as stuck. */
const HEADS = 3;
/** Attempts at one distractor. */
const DISTRACTORS = 5;
/** Places tried for the first dash of a distractor. A distractor without one is left out. */
const PLACES = 200;
/** Dashes of a distractor, as a share of those of a contour. */
const SHARE = 1 / 3;

/** A contour that grows. */
interface Growing {
  readonly dashes: Contour;
  /** The point around which the last dash was turned. */
  readonly pivot: Point;
  /** Direction of the last dash, in radians. */
  readonly direction: number;
}

/** The nearest whole number; halves go away from zero, so that no direction is special. */
const round = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));
const from = ([x, y]: Point, length: number, direction: number): Point => [
  x + round(length * Math.cos(direction)),
  y + round(length * Math.sin(direction)),
];
const plus = ([x, y]: Point, [dx, dy]: Point): Point => [x + dx, y + dy];

/** What `contourDrawer` needs to know of the options once for all pictures. */
export function contourDrawer(options: PathfinderOptions, margin: number): ContourDrawer {
  const { size, dashes, distractorDashes, dashLength, seedDistance, continuity } = options;
  const mask = pictureMask(options, margin);
  const radius = dashLength + margin;

  const shapes = new Map<number, Shape>();
  const shapeAt = (degrees: number): Shape => {
    const known = shapes.get(degrees) ?? mask.shape((degrees * Math.PI) / 180);
    shapes.set(degrees, known);
    return known;
  };

  // the pixels of the circle on which a head lies around its pivot, about one for each pixel of its arc
  const arc = Math.ceil(2 * Math.PI * radius);
  const circle = Array.from({ length: arc }, (_, step) => from([0, 0], radius, (2 * Math.PI * step) / arc));
  const candidates = [...new Map(circle.map((pixel) => [pixel.join(), pixel])).values()].map((pixel) => {
    const direction = Math.atan2(pixel[1], pixel[0]);
    return { pixel, direction, shape: mask.shape(direction + Math.PI) };
  });

  const isInside = (pixel: Point): boolean => pixel.every((at) => at >= 0 && at < size);

  /** A first dash from a pixel in a direction of whole degrees; undefined if it does not fit. */
  function begin(tail: Point, degrees: number): Growing | undefined {
    const direction = (degrees * Math.PI) / 180;
    const shape = shapeAt(degrees);
    const first = { tip: tail, shape, tail, head: plus(tail, shape.end) };
    if (!isInside(tail) || !mask.fits(first)) return undefined;
    mask.add(first, 1);
    return { dashes: [first], pivot: from(tail, -margin, direction), direction };
  }

  /** The contour with a further dash, which may touch the last one's surroundings; undefined if none fits. */
  function extend({ dashes, pivot, direction }: Growing, source: Random): Growing | undefined {
    const last = dashes[dashes.length - 1];
    mask.add(last, -1);
    const center = from(pivot, dashLength + 2 * margin, direction);
    const weights = candidates.map((candidate) => {
      const turn = Math.abs(candidate.direction - direction) % (2 * Math.PI);
      const bend = continuity * Math.min(turn, 2 * Math.PI - turn);
      return bend < Math.PI / 2 && mask.isOpen(plus(center, candidate.pixel)) ? Math.cos(bend) ** 2 : 0;
    });
    const total = weights.reduce((a, b) => a + b);
    let grown: Growing | undefined;
    for (let head = 0; total > 0 && head < HEADS && grown === undefined; head++) {
      let left = total * source.uniform();
      const chosen = candidates[weights.findIndex((weight) => (left -= weight) < 0)];
      if (chosen === undefined) continue; // rounding
      const tip = plus(center, chosen.pixel);
      const next = { tip, shape: chosen.shape, tail: plus(tip, chosen.shape.end), head: tip };
      if (!mask.fits(next)) continue;
      mask.add(next, 1);
      grown = { dashes: [...dashes, next], pivot: center, direction: chosen.direction };
    }
    mask.add(last, 1);
    return grown;
  }

  const mark = (contours: readonly Contour[], count: 1 | -1): void =>
    contours.forEach((dashes) => dashes.forEach((dash) => mask.add(dash, count)));

  /** Grows contours in turn to `count` dashes each. If one is stuck, takes all out of the mask. */
  function grow(started: readonly Growing[], count: number, source: Random): Contour[] | undefined {
    const growing = [...started];
    for (let length = 1; length < count; length++) {
      for (const [index, own] of growing.entries()) {
        const next = extend(own, source);
        if (next === undefined) {
          mark(
            growing.map((stuck) => stuck.dashes),
            -1,
          );
          return undefined;
        }
        growing[index] = next;
      }
    }
    return growing.map(({ dashes }) => dashes);
  }

  const degrees = (source: Random): number => source.integer(360);
  const pixelWithin = (border: number, source: Random): Point => [
    border + source.integer(size - 2 * border),
    border + source.integer(size - 2 * border),
  ];

  function distractor(source: Random): Contour | undefined {
    const count = Math.max(1, Math.floor(dashes * SHARE));
    for (let attempt = 0; attempt < DISTRACTORS; attempt++) {
      const orientation = degrees(source);
      let first: Growing | undefined;
      for (let tail = 0; tail < PLACES && first === undefined; tail++)
        first = begin(pixelWithin(0, source), orientation);
      const grown = first && grow([first], count, source);
      if (grown !== undefined) return grown[0];
    }
    return undefined;
  }

  return {
    contours(source) {
      const tail = pixelWithin(2 * seedDistance, source);
      const first = begin(tail, degrees(source));
      if (first === undefined) return undefined;
      const second = begin(from(tail, seedDistance, (degrees(source) * Math.PI) / 180), degrees(source));
      if (second === undefined) {
        mark([first.dashes], -1);
        return undefined;
      }
      const grown = grow([first, second], dashes, source);
      if (grown === undefined) return undefined;
      mark(grown, -1);
      return [grown[0], grown[1]];
    },
    distractors(contours, source) {
      mark(contours, 1);
      const count = Math.floor(distractorDashes / Math.max(1, Math.floor(dashes * SHARE)));
      const drawn = Array.from({ length: count }, () => distractor(source)).filter((own) => own !== undefined);
      mark([...contours, ...drawn], -1);
      return drawn;
    },
  };
}
