import { random, type Random } from "../../core/random.js";
import { positionOf } from "./positions.js";
import { render, WHITE } from "./render.js";
import type { Dots, PathfinderOptions } from "./picture.js";
import { pathfinderSketches, type Scene, type Sketch } from "./scene.js";

/** Labelled pictures: label 1 where the dots are connected. */
export interface Pictures {
  readonly count: number;
  readonly size: number;
  /** Levels 0 to 255, picture by picture, row by row. */
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
  /** The two dots of each picture. */
  readonly dots: readonly Dots[];
}

/** The bin of a pair of dots. */
const binOf = ({ size, balance }: PathfinderOptions, dots: Dots): string =>
  positionOf(size, dots)
    .map((at) => Math.floor(at / balance))
    .join();

/**
 * Endless pairs of a connected and an unconnected sketch whose dots are in one bin.
 *
 * A sketch waits until one with the other label falls into its bin.
 */
export function* sketchPairs(
  options: PathfinderOptions,
  source: Random,
): Generator<readonly [connected: Sketch, unconnected: Sketch], never> {
  const draw = pathfinderSketches(options);
  const waiting = new Map<string, Sketch[]>();
  for (;;) {
    const sketch = draw(source);
    const bin = binOf(options, sketch.dots);
    const others = waiting.get(bin) ?? [];
    waiting.set(bin, others);
    if (others.length === 0 || others[0].connected === sketch.connected) {
      others.push(sketch);
      continue;
    }
    const other = others.splice(source.integer(others.length), 1)[0];
    yield sketch.connected ? [sketch, other] : [other, sketch];
  }
}

/** The scene of a sketch. */
export const sceneOf = (options: PathfinderOptions, { distractors, ...sketch }: Sketch, source: Random): Scene => ({
  ...sketch,
  options,
  distractors: distractors(source),
});

/** Seeded pictures in random order, half of them connected, rounded down. */
export function drawPictures(options: PathfinderOptions, count: number, seed: number): Pictures {
  const source = random(seed);
  const labels = Int32Array.from(source.shuffle(Array.from({ length: count }, (_, index) => index % 2)));
  const [connected, unconnected] = [1, 0].map((wanted) => [...labels.keys()].filter((at) => labels[at] === wanted));
  const area = options.size ** 2;
  const pixels = new Uint8Array(count * area);
  const dots: Dots[] = [];
  const pairs = sketchPairs(options, source);
  unconnected.forEach((second, index) => {
    const pair = pairs.next().value;
    for (const [at, sketch] of [
      [connected[index], pair[0]],
      [second, pair[1]],
    ] as const) {
      if (at === undefined) continue; // of an odd number, one more is unconnected
      pixels.set(render(sceneOf(options, sketch, source)), at * area);
      dots[at] = sketch.dots;
    }
  });
  return { count, size: options.size, pixels, labels, dots };
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
