import { random } from "../../core/random.js";
import { render, WHITE } from "./render.js";
import { distance, pathfinderScene, type PathfinderOptions } from "./scene.js";

/** Labelled pictures: label 1 where the dots are connected. */
export interface Pictures {
  readonly count: number;
  readonly size: number;
  /** Levels 0 to 255, picture by picture, row by row. */
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
  /** Distance between the two dots of each picture, to the nearest pixel. */
  readonly distances: Float64Array;
}

/** Seeded pictures in random order, half of them connected, rounded down. */
export function drawPictures(options: PathfinderOptions, count: number, seed: number): Pictures {
  const source = random(seed);
  const labels = Int32Array.from(source.shuffle(Array.from({ length: count }, (_, index) => index % 2)));
  const area = options.size ** 2;
  const pixels = new Uint8Array(count * area);
  const distances = new Float64Array(count);
  labels.forEach((label, index) => {
    const scene = pathfinderScene(options, label === 1, source);
    pixels.set(render(scene), index * area);
    distances[index] = Math.round(distance(...scene.dots));
  });
  return { count, size: options.size, pixels, labels, distances };
}

/**
 * Square patches of a picture as tokens, row by row: `[rows.length, (size/patch)², patch²]` numbers from 0 to 1.
 *
 * `patch` must divide the size.
 */
export function patches({ size, pixels }: Pictures, rows: readonly number[], patch: number): Float32Array {
  const side = size / patch;
  const out = new Float32Array(rows.length * size * size);
  let at = 0;
  for (const row of rows) {
    for (let token = 0; token < side * side; token++) {
      const corner = row * size * size + Math.floor(token / side) * patch * size + (token % side) * patch;
      for (let y = 0; y < patch; y++) for (let x = 0; x < patch; x++) out[at++] = pixels[corner + y * size + x] / WHITE;
    }
  }
  return out;
}

/**
 * Baseline that follows no path: accuracy on `test` of the best threshold on the distance between the dots, chosen on
 * `train`.
 */
export function distanceAccuracy(train: Pictures, test: Pictures): number {
  const order = Array.from(train.distances.keys()).sort((a, b) => train.distances[a] - train.distances[b]);
  // connected minus unconnected pictures among the nearest: far from zero at a good threshold
  let lead = 0;
  let best = { threshold: 0, lead: 0 };
  for (const index of order) {
    lead += train.labels[index] === 1 ? 1 : -1;
    if (Math.abs(lead) > Math.abs(best.lead)) best = { threshold: train.distances[index], lead };
  }
  const near = best.lead > 0 ? 1 : 0;
  return (
    test.labels.reduce(
      (sum, label, index) => sum + Number(test.distances[index] <= best.threshold === (label === near)),
      0,
    ) / test.count
  );
}
