import { random, type Random } from "../../core/random.js";
import type { SquarePictures } from "../corpus/patches.js";
import { positionOf } from "./positions.js";
import { render } from "./render.js";
import type { Dots, PathfinderOptions } from "./picture.js";
import { pathfinderSketches, type Scene, type Sketch } from "./scene.js";

/** Labelled pictures: label 1 where the dots are connected. */
export interface Pictures extends SquarePictures {
  readonly count: number;
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
