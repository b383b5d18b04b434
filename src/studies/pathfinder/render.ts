import { WHITE } from "../corpus/patches.js";
import { distanceToSegment } from "./mask.js";
import type { Point } from "./picture.js";
import type { Scene } from "./scene.js";

/** Points along each side of a pixel, whose share inside a shape is its cover. */
const FINE = 4;

type Segment = readonly [Point, Point];

/** Whether a point is in the rectangle of a dash, whose ends are straight. */
function isInDash(x: number, y: number, [[ax, ay], [bx, by]]: Segment, thickness: number): boolean {
  const [dx, dy] = [bx - ax, by - ay];
  const length = Math.sqrt(dx * dx + dy * dy);
  const [along, across] = [((x - ax) * dx + (y - ay) * dy) / length, ((x - ax) * dy - (y - ay) * dx) / length];
  return along >= 0 && along <= length && Math.abs(across) <= thickness / 2;
}

/**
 * Levels 0 to 255 of a scene's pixels, row by row, with edges smoothed. A pixel takes the brightest shape on it.
 *
 * `dashed: false` leaves the dots out and fills the gaps with lines, so that a contour is one piece. `scale` draws that
 * many times as many pixels along a side.
 */
export function render(
  { options, contours, distractors, dots }: Scene,
  { dashed = true, scale = 1 }: { readonly dashed?: boolean; readonly scale?: number } = {},
): Uint8Array {
  const { contrast, thickness, dotRadius } = options;
  const size = options.size * scale;
  const pixels = new Uint8Array(size * size);
  const draw = (shape: Segment, reach: number, brightness: number, has: (x: number, y: number) => boolean): void => {
    const range = (axis: 0 | 1): [number, number] => {
      const values = [shape[0][axis], shape[1][axis]];
      return [
        Math.max(0, Math.floor(scale * (Math.min(...values) - reach))),
        Math.min(size - 1, Math.ceil(scale * (Math.max(...values) + reach + 1))),
      ];
    };
    const [[left, right], [top, bottom]] = [range(0), range(1)];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        let inside = 0;
        for (let fine = 0; fine < FINE * FINE; fine++) {
          // the middle of a pixel has whole coordinates
          const at = (corner: number, step: number): number => (corner + (step + 0.5) / FINE) / scale - 0.5;
          if (has(at(x, fine % FINE), at(y, Math.floor(fine / FINE)))) inside++;
        }
        const level = Math.round((WHITE * brightness * inside) / FINE ** 2);
        pixels[y * size + x] = Math.max(pixels[y * size + x], level);
      }
    }
  };
  const stroke = (segment: Segment): void =>
    draw(segment, thickness / 2, contrast, (x, y) => isInDash(x, y, segment, thickness));
  const line = (segment: Segment): void =>
    draw(segment, thickness / 2, contrast, (x, y) => distanceToSegment([x, y], segment) <= thickness / 2);
  for (const contour of [...contours, ...distractors]) {
    contour.forEach(({ tail, head }, index) => {
      if (dashed) return stroke([tail, head]);
      line([tail, head]);
      if (index > 0) line([contour[index - 1].head, tail]);
    });
  }
  if (dashed)
    for (const [x, y] of dots)
      draw(
        [
          [x, y],
          [x, y],
        ],
        dotRadius,
        1,
        (px, py) => (px - x) ** 2 + (py - y) ** 2 <= dotRadius ** 2,
      );
  return pixels;
}
