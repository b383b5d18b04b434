/** How a surface is looked at. */
export interface View {
  /** Degrees about the vertical. */
  readonly turn: number;
  /** Degrees above the horizon. */
  readonly tilt: number;
}

/** A place on the picture, in units of the window's half side, up and to the right; `depth` grows away from the eye. */
export interface Seen {
  readonly x: number;
  readonly y: number;
  readonly depth: number;
}

/** Height of the box in half sides of its floor. */
export const HEIGHT = 1.1;

/**
 * The parallel projection of a point of the box.
 *
 * @param view how it is looked at
 * @param x from -1 to 1 along the first direction
 * @param y from -1 to 1 along the second
 * @param height from 0 at the floor to 1
 */
export function project({ turn, tilt }: View, x: number, y: number, height: number): Seen {
  const [a, e] = [(turn * Math.PI) / 180, (tilt * Math.PI) / 180];
  const depth = x * Math.sin(a) + y * Math.cos(a);
  const up = HEIGHT * (height - 0.5);
  return { x: x * Math.cos(a) - y * Math.sin(a), y: up * Math.cos(e) + depth * Math.sin(e), depth };
}

/** A cell of a surface with its four corners, and its mean height. */
export interface Cell {
  readonly corners: readonly Seen[];
  readonly height: number;
}

/**
 * The cells of a surface, the furthest first, so that nearer ones are drawn over them.
 *
 * @param view how it is looked at
 * @param heights from 0 to 1, `heights[i * n + j]` at the i-th place along x and the j-th along y
 * @param n places along each
 */
export function cellsOf(view: View, heights: readonly number[], n: number): Cell[] {
  const place = (index: number): number => (2 * index) / (n - 1) - 1;
  const seen = heights.map((height, at) => project(view, place(Math.floor(at / n)), place(at % n), height));
  const cells = Array.from({ length: (n - 1) ** 2 }, (_, index): Cell => {
    const at = Math.floor(index / (n - 1)) * n + (index % (n - 1));
    const around = [at, at + 1, at + n + 1, at + n];
    return {
      corners: around.map((corner) => seen[corner]),
      height: around.reduce((sum, corner) => sum + heights[corner] / 4, 0),
    };
  });
  const depth = ({ corners }: Cell): number => corners.reduce((sum, corner) => sum + corner.depth, 0);
  return cells.sort((one, other) => depth(other) - depth(one));
}

/** Colours from low to high: viridis, which is read alike by those who do not tell red from green. */
const stops = [
  [68, 1, 84],
  [65, 68, 135],
  [42, 120, 142],
  [34, 168, 132],
  [122, 209, 81],
  [253, 231, 37],
] as const;

/** The colour of a height. @param height from 0 to 1 */
export function colorOf(height: number): string {
  const at = Math.min(0.9999, Math.max(0, height)) * (stops.length - 1);
  const [low, high] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
  return `rgb(${low.map((value, channel) => Math.round(value + (at % 1) * (high[channel] - value))).join(" ")})`;
}

/** Colours of a legend from the floor up. */
export const ramp = `linear-gradient(to right, ${stops.map((stop) => `rgb(${stop.join(" ")})`).join(", ")})`;
