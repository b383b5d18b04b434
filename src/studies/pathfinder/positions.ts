import { knearest } from "@thi.ng/distance/knearest";
import type { Dots } from "./picture.js";

/** The dots of labelled pictures. */
interface LabelledDots {
  readonly count: number;
  readonly size: number;
  readonly dots: readonly Dots[];
  readonly labels: Int32Array;
}

/**
 * The outer, then the inner dot relative to the middle, turned and mirrored until the outer one has 0 ≤ y ≤ x.
 * These are the positions up to the symmetries of the square.
 */
export function positionOf(size: number, dots: Dots): [number, number, number, number] {
  const middle = (size - 1) / 2;
  const [outer, inner] = dots
    .map(([x, y]) => [x - middle, y - middle] as const)
    .sort((a, b) => b[0] ** 2 + b[1] ** 2 - (a[0] ** 2 + a[1] ** 2));
  const [right, down] = outer.map((at) => (at < 0 ? -1 : 1));
  const [a, b, c, d] = [right * outer[0], down * outer[1], right * inner[0], down * inner[1]];
  return a < b ? [b, a, d, c] : [a, b, c, d];
}

/**
 * Baseline that sees no contour: accuracy on `test` of the majority among the nearest pictures of `train`, by the
 * positions of both dots. The number of neighbours is odd and about the root of the number of pictures.
 */
export function positionsAccuracy(train: LabelledDots, test: LabelledDots): number {
  const positionsOf = ({ size, dots }: LabelledDots) => dots.map((pair) => positionOf(size, pair));
  const known = positionsOf(train);
  const neighbours = 2 * Math.floor(Math.sqrt(train.count) / 2) + 1;
  const right = positionsOf(test).filter((point, index) => {
    const near = knearest<number>(point, neighbours);
    known.forEach((other, place) => near.consider(other, train.labels[place]));
    const votes = near.values().reduce((a, b) => a + b);
    return (2 * votes > neighbours ? 1 : 0) === test.labels[index];
  });
  return right.length / test.count;
}
