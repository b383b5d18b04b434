import type { PathfinderOptions, Point } from "./picture.js";

/** A dash, and the pixels that it takes, as steps from its tip in a `Mask`. */
export interface Shape {
  /** From the tip to the other end. */
  readonly end: Point;
  /** Pixels within the margin of the dash. */
  readonly own: readonly number[];
  /** Pixels within two margins of the dash. */
  readonly near: readonly number[];
}

/** A dash whose tip is in a picture. */
export interface Placed {
  readonly tip: Point;
  readonly shape: Shape;
}

/** Distance of a point from a segment. */
export function distanceToSegment([x, y]: Point, [a, b]: readonly [Point, Point]): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((x - a[0]) * dx + (y - a[1]) * dy) / squared;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(x - a[0] - share * dx, y - a[1] - share * dy);
}

/** The pixels of a picture that are taken, and those within a margin of them. */
export interface Mask {
  /** The shape of a dash whose other end is `dashLength` from its tip, in a direction in radians. */
  shape(direction: number): Shape;
  /** Adds a dash, or removes an added one. */
  add(dash: Placed, count: 1 | -1): void;
  /** Whether the surroundings of a dash are free. */
  fits(dash: Placed): boolean;
  /** Whether a pixel is further than the margin from all that is taken. */
  isOpen(pixel: Point): boolean;
}

/** A mask whose border is taken. */
export function pictureMask({ size, padding, dashLength, thickness }: PathfinderOptions, margin: number): Mask {
  const reach = Math.ceil(dashLength + thickness / 2 + 2 * margin) + 1;
  const side = size + 2 * reach;
  const place = ([x, y]: Point): number => (y + reach) * side + x + reach;
  // how many dashes take a pixel
  const own = new Uint8Array(side * side);
  const near = new Uint8Array(side * side);
  for (let y = -reach; y < size + reach; y++) {
    for (let x = -reach; x < size + reach; x++) {
      const depth = Math.min(x, y, size - 1 - x, size - 1 - y);
      own[place([x, y])] = Number(depth < padding);
      near[place([x, y])] = Number(depth < padding + margin);
    }
  }
  return {
    shape(direction) {
      const end = [dashLength * Math.cos(direction), dashLength * Math.sin(direction)] as const;
      const within = (radius: number): number[] => {
        const steps: number[] = [];
        for (let y = -reach; y <= reach; y++)
          for (let x = -reach; x <= reach; x++)
            if (distanceToSegment([x, y], [[0, 0], end]) <= radius) steps.push(y * side + x);
        return steps;
      };
      return { end, own: within(thickness / 2 + margin), near: within(thickness / 2 + 2 * margin) };
    },
    add({ tip, shape }, count) {
      const at = place(tip);
      for (const step of shape.own) own[at + step] += count;
      for (const step of shape.near) near[at + step] += count;
    },
    fits({ tip, shape }) {
      const at = place(tip);
      return shape.own.every((step) => own[at + step] === 0);
    },
    isOpen: (pixel) => near[place(pixel)] === 0,
  };
}
