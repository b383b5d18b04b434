import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { distanceToSegment } from "../../src/studies/pathfinder/mask.js";
import { kinds } from "../../src/studies/pathfinder/kinds.js";
import type { PathfinderOptions } from "../../src/studies/pathfinder/picture.js";
import { patches } from "../../src/studies/corpus/patches.js";
import { drawPictures, sceneOf, sketchPairs } from "../../src/studies/pathfinder/pictures.js";
import { positionOf, positionsAccuracy } from "../../src/studies/pathfinder/positions.js";
import { render } from "../../src/studies/pathfinder/render.js";
import { pathfinderSketches, type Scene } from "../../src/studies/pathfinder/scene.js";

/** Pixels of a finer grid. */
const SCALE = 4;

/** Whether lit pixels connect the dots, also diagonally. */
function floodConnects({ options, dots, ...scene }: Scene): boolean {
  const size = options.size * SCALE;
  const pixels = render({ options, dots, ...scene }, { dashed: false, scale: SCALE });
  const [from, to] = dots.map(([x, y]) => Math.floor((y + 0.5) * SCALE) * size + Math.floor((x + 0.5) * SCALE));
  const seen = new Set([from]);
  const pending = [from];
  while (pending.length > 0) {
    const at = pending.pop()!;
    const [x, y] = [at % size, Math.floor(at / size)];
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) {
        const next = (y + dy) * size + x + dx;
        const inside = x + dx >= 0 && x + dx < size && y + dy >= 0 && y + dy < size;
        if (!inside || seen.has(next) || pixels[next] === 0) continue;
        seen.add(next);
        pending.push(next);
      }
    }
  }
  return seen.has(to);
}

/** Scenes of a kind, without balance, which would draw many more. */
function scenes(options: PathfinderOptions, count: number): Scene[] {
  const source = random(3);
  const pairs = sketchPairs({ ...options, balance: Infinity }, source);
  return Array.from({ length: count / 2 }, () => pairs.next().value)
    .flat()
    .map((sketch) => sceneOf(options, sketch, source));
}

/** The kinds but for the longest contours on 64 and 128 pixels, which take a tenth of a second each. */
const fast = Object.entries(kinds).filter(([name]) => !["64-14", "128-14"].includes(name));

describe.each(fast)("pathfinder, %s", (_, options) => {
  const drawn = scenes(options, options.size > 64 ? 4 : 20);

  it("labels a picture connected where a flood over the contours without gaps goes from dot to dot", () => {
    for (const scene of drawn) expect(floodConnects(scene)).toBe(scene.connected);
  });

  it("draws contours of the published shape: distances of dashes, turns, starts, distractors", () => {
    const { dashes, dashLength, margins, seedDistance, continuity, padding, size, distractorDashes } = options;
    for (const { contours, distractors } of drawn) {
      expect(contours.map(({ length }) => length)).toEqual([dashes, dashes]);
      const [first, second] = contours.map(([{ tail }]) => tail);
      // tips are whole pixels
      expect(Math.abs(Math.hypot(first[0] - second[0], first[1] - second[1]) - seedDistance)).toBeLessThan(0.75);
      for (const at of first) expect(Math.min(at, size - 1 - at)).toBeGreaterThanOrEqual(2 * seedDistance);
      const short = Math.max(1, Math.floor(dashes / 3));
      expect(distractors.length).toBeLessThanOrEqual(distractorDashes / short);
      for (const contour of [...contours, ...distractors]) {
        for (const [index, { tail, head }] of contour.entries()) {
          expect(Math.hypot(head[0] - tail[0], head[1] - tail[1])).toBeCloseTo(dashLength, 9);
          for (const at of [...tail, ...head]) expect(Math.min(at, size - 1 - at)).toBeGreaterThanOrEqual(padding);
          if (index === 0) continue;
          const before = contour[index - 1];
          const gap = Math.hypot(tail[0] - before.head[0], tail[1] - before.head[1]);
          // a margin before and one behind the turn, but for rounding to pixels
          expect(gap).toBeLessThan(2 * Math.max(...margins) + 2);
          const angle = (dash: typeof before) => Math.atan2(dash.head[1] - dash.tail[1], dash.head[0] - dash.tail[0]);
          expect(Math.cos(angle({ ...before, tail, head }) - angle(before))).toBeGreaterThan(
            Math.cos(Math.PI / 2 / continuity) - 1e-9,
          );
        }
      }
    }
  });

  it("keeps a margin between the dashes of different contours", () => {
    const least = Math.min(...options.margins);
    for (const { contours, distractors } of drawn) {
      const all = [...contours, ...distractors];
      for (const [index, one] of all.entries())
        for (const other of all.slice(index + 1))
          for (const { tail, head } of one)
            for (const dash of other)
              for (const point of [tail, head])
                expect(distanceToSegment(point, [dash.tail, dash.head])).toBeGreaterThan(least);
    }
  });
});

describe("the positions of the dots", () => {
  const [count, labels] = [4000, Int32Array.from({ length: 4000 }, (_, index) => 1 - (index % 2))];
  const accuracy = (options: PathfinderOptions): number => {
    const [train, test] = [1, 2].map((seed) => {
      const pairs = sketchPairs(options, random(seed));
      const dots = Array.from({ length: count / 2 }, () => pairs.next().value.map((sketch) => sketch.dots)).flat();
      return { count, size: options.size, dots, labels };
    });
    return positionsAccuracy(train, test);
  };

  it.each(["easy", "32-6", "32-9", "64-6"])("predict nothing in 4,000 pictures of kind %s", (name) => {
    expect(Math.abs(accuracy(kinds[name]) - 0.5)).toBeLessThan(0.02);
  });

  it("predict the label in pictures of the original algorithm", () => {
    expect(accuracy({ ...kinds.easy, balance: Infinity })).toBeGreaterThan(0.75);
  });

  it("are the same for every turned or mirrored picture", () => {
    const dots = [
      [3, 9],
      [20, 28],
    ] as const;
    const moved = [
      dots.map(([x, y]) => [y, x] as const),
      dots.map(([x, y]) => [31 - x, y] as const),
      [dots[1], dots[0]],
      dots.map(([x, y]) => [31 - y, 31 - x] as const),
    ].map((pair) => positionOf(32, [pair[0], pair[1]]));
    for (const position of moved) expect(position).toEqual(positionOf(32, dots));
    expect(positionOf(32, dots)).toEqual([12.5, 6.5, -4.5, -12.5]);
  });
});

describe("drawPictures", () => {
  const { easy } = kinds;

  it("repeats bit for bit with a seed, and differs with another", () => {
    expect(drawPictures(easy, 20, 5)).toEqual(drawPictures(easy, 20, 5));
    expect(drawPictures(easy, 20, 5).pixels).not.toEqual(drawPictures(easy, 20, 6).pixels);
  });

  it("draws as many connected as unconnected pictures", () => {
    for (const count of [2, 31, 64]) {
      const { labels, dots } = drawPictures(easy, count, count);
      expect(labels.reduce((a, b) => a + b)).toBe(Math.floor(count / 2));
      expect(Object.keys(dots)).toHaveLength(count);
    }
  });

  it("draws dots of every balanced bin equally often for both labels", () => {
    const { labels, dots } = drawPictures(easy, 200, 9);
    const lead = new Map<string, number>();
    labels.forEach((label, index) => {
      const bin = positionOf(easy.size, dots[index]).join();
      lead.set(bin, (lead.get(bin) ?? 0) + (label === 1 ? 1 : -1));
    });
    expect([...lead.values()].filter((value) => value !== 0)).toEqual([]);
  });

  it("uses the levels from 0 to 255: dark ground, dashes below the contrast, dots at 255", () => {
    const { pixels } = drawPictures({ ...easy, contrast: 0.4 }, 10, 2);
    expect(Math.min(...pixels)).toBe(0);
    expect(Math.max(...pixels)).toBe(255);
    expect(pixels.filter((level) => level > 0.4 * 255 + 1).length / pixels.length).toBeLessThan(0.03);
    expect(pixels.filter((level) => level === 0).length / pixels.length).toBeGreaterThan(0.8);
  });

  it("cuts patches that hold every pixel once, at its place", () => {
    const pictures = drawPictures(easy, 2, 4);
    const cut = patches(pictures, [1], 4);
    const [token, y, x] = [8 * 3 + 5, 2, 1]; // row 3, column 5 of 8 × 8 patches
    expect(cut[token * 16 + y * 4 + x]).toBeCloseTo(pictures.pixels[1024 + (3 * 4 + y) * 32 + 5 * 4 + x] / 255, 6);
    expect([...cut].sort()).toEqual([...patches(pictures, [1], 1)].sort());
  });

  it.each([
    [{ dashLength: 14 }, /wanted two contours of 3 dashes.*fewer or shorter dashes/s],
    [{ seedDistance: 8 }, /seedDistance: wanted .*at most a quarter of the size 32, got 8/],
    [{ contrast: 0 }, /contrast: wanted a number above 0/],
    [{ margins: [0] }, /margins: wanted whole numbers from 1, got 0/],
    [{ distractorDashes: 0.5 }, /distractorDashes: wanted a whole number/],
    [{ balance: Number.NaN }, /balance: wanted a number above 0, got NaN/],
  ])("refuses options that leave no room: %j", (options, message) => {
    const draw = () => pathfinderSketches({ ...easy, ...options })(random(1));
    expect(draw).toThrow(ArgumentError);
    expect(draw).toThrow(message);
  });
});
