import type { Path, PathfinderOptions, Point, Scene } from "./scene.js";

/** Brightest level of a pixel. */
export const WHITE = 255;

function distanceToSegment(point: Point, [a, b]: readonly [Point, Point]): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / (dx * dx + dy * dy);
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(point[0] - a[0] - share * dx, point[1] - a[1] - share * dy);
}

/** Strokes of a path. Their round ends reach the ends of the dashes, so that gaps keep their length. */
function strokes(
  path: Path,
  { dashLength, thickness }: PathfinderOptions,
  dashed: boolean,
): (readonly [Point, Point])[] {
  return path.slice(1).map((corner, index) => {
    const [x, y] = path[index];
    const leg = Math.hypot(corner[0] - x, corner[1] - y);
    const at = (length: number): Point => [x + (length / leg) * (corner[0] - x), y + (length / leg) * (corner[1] - y)];
    return dashed ? [at(thickness / 2), at(dashLength - thickness / 2)] : [at(0), at(leg)];
  });
}

/**
 * Levels 0 to 255 of a scene's pixels, row by row. A pixel takes the brightest shape on it; edges blur over one pixel.
 *
 * `dashed: false` fills the gaps, so that a path is one piece.
 */
export function render(
  { options, paths, dots }: Scene,
  { dashed = true }: { readonly dashed?: boolean } = {},
): Uint8Array {
  const { size, contrast, thickness, dotRadius } = options;
  const pixels = new Uint8Array(size * size);
  const draw = (shape: readonly [Point, Point], radius: number, brightness: number): void => {
    const range = (axis: 0 | 1): [number, number] => {
      const values = [shape[0][axis], shape[1][axis]];
      return [
        Math.max(0, Math.floor(Math.min(...values) - radius - 1)),
        Math.min(size - 1, Math.ceil(Math.max(...values) + radius + 1)),
      ];
    };
    const [[left, right], [top, bottom]] = [range(0), range(1)];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cover = Math.min(1, Math.max(0, radius + 0.5 - distanceToSegment([x + 0.5, y + 0.5], shape)));
        pixels[y * size + x] = Math.max(pixels[y * size + x], Math.round(WHITE * brightness * cover));
      }
    }
  };
  for (const path of paths) for (const stroke of strokes(path, options, dashed)) draw(stroke, thickness / 2, contrast);
  // a tiny length avoids division by zero
  for (const [x, y] of dots)
    draw(
      [
        [x, y],
        [x + 1e-6, y],
      ],
      dotRadius,
      1,
    );
  return pixels;
}
