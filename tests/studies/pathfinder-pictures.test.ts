import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { difficulties } from "../../src/studies/pathfinder/difficulty.js";
import { distanceAccuracy, drawPictures, patches } from "../../src/studies/pathfinder/pictures.js";
import { render } from "../../src/studies/pathfinder/render.js";
import { pathfinderScene, type PathfinderOptions, type Scene } from "../../src/studies/pathfinder/scene.js";

/** Whether pixels brighter than `darkest` connect the dots, also diagonally. */
function floodConnects(pixels: Uint8Array, size: number, { dots }: Scene, darkest = 0): boolean {
  const [from, to] = dots.map(([x, y]) => Math.floor(y) * size + Math.floor(x));
  const seen = new Set([from]);
  const pending = [from];
  while (pending.length > 0) {
    const at = pending.pop()!;
    const [x, y] = [at % size, Math.floor(at / size)];
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) {
        const next = (y + dy) * size + x + dx;
        const inside = x + dx >= 0 && x + dx < size && y + dy >= 0 && y + dy < size;
        if (!inside || seen.has(next) || pixels[next] <= darkest) continue;
        seen.add(next);
        pending.push(next);
      }
    }
  }
  return seen.has(to);
}

const scenes = (options: PathfinderOptions, count: number): Scene[] => {
  const source = random(3);
  return Array.from({ length: count }, (_, index) => pathfinderScene(options, index % 2 === 0, source));
};

describe.each(Object.entries(difficulties))("pathfinder, %s", (_, options) => {
  const count = options.size > 32 ? 8 : 60;

  it("labels a picture connected where a flood over the paths without gaps goes from dot to dot", () => {
    for (const scene of scenes(options, count)) {
      expect(floodConnects(render(scene, { dashed: false }), options.size, scene)).toBe(scene.connected);
    }
  });

  it("breaks the path into dashes: no flood over its bright pixels crosses the gaps", () => {
    const half = (255 * options.contrast) / 2;
    const crossed = scenes(options, count).filter((scene) => floodConnects(render(scene), options.size, scene, half));
    // only a path of one dash has no gap, so that its flood arrives
    expect(crossed.map(({ connected }) => connected)).toEqual(options.dashes === 1 ? crossed.map(() => true) : []);
    if (options.dashes === 1) expect(crossed).toHaveLength(count / 2);
  });

  it("lets both kinds differ only in the dots: same paths, distances within the tolerance", () => {
    const [yes, no] = [true, false].map((connected) => pathfinderScene(options, connected, random(11)));
    expect(no.paths).toEqual(yes.paths);
    expect(no.dots).not.toEqual(yes.dots);
    const [a, b] = [yes, no].map(({ dots: [p, q] }) => Math.hypot(p[0] - q[0], p[1] - q[1]));
    expect(Math.abs(a - b)).toBeLessThanOrEqual(options.distanceTolerance);
    expect(yes.paths).toHaveLength(2 + options.distractors);
    expect(yes.paths[0]).toHaveLength(options.dashes + 1);
  });
});

describe("drawPictures", () => {
  const { easiest } = difficulties;

  it("repeats bit for bit with a seed, and differs with another", () => {
    expect(drawPictures(easiest, 20, 5)).toEqual(drawPictures(easiest, 20, 5));
    expect(drawPictures(easiest, 20, 5).pixels).not.toEqual(drawPictures(easiest, 20, 6).pixels);
  });

  it("draws as many connected as unconnected pictures", () => {
    for (const count of [2, 31, 64]) {
      expect(drawPictures(easiest, count, count).labels.reduce((a, b) => a + b)).toBe(Math.floor(count / 2));
    }
  });

  it("uses the levels from 0 to 255: dark ground, dashes at the contrast, dots at 255", () => {
    const { pixels } = drawPictures({ ...easiest, contrast: 0.4 }, 10, 2);
    const dots = pixels.filter((level) => level > 0.4 * 255 + 1);
    expect(Math.min(...pixels)).toBe(0);
    expect(Math.max(...pixels)).toBe(255);
    expect(dots.length / pixels.length).toBeLessThan(0.02);
    expect(pixels.filter((level) => level === 0).length / pixels.length).toBeGreaterThan(0.8);
  });

  it("cuts patches that hold every pixel once, at its place", () => {
    const pictures = drawPictures(easiest, 2, 4);
    const cut = patches(pictures, [1], 4);
    const [token, y, x] = [8 * 3 + 5, 2, 1]; // row 3, column 5 of 8 × 8 patches
    expect(cut[token * 16 + y * 4 + x]).toBeCloseTo(pictures.pixels[1024 + (3 * 4 + y) * 32 + 5 * 4 + x] / 255, 6);
    expect([...cut].sort()).toEqual([...patches(pictures, [1], 1)].sort());
  });

  it("gives little away by the distance of the dots where the tolerance is small", () => {
    const accuracy = (options: PathfinderOptions) =>
      distanceAccuracy(drawPictures(options, 400, 1), drawPictures(options, 400, 2));
    // four standard deviations of a share of 400 are a tenth
    expect(accuracy(difficulties.matched)).toBeLessThan(0.6);
    expect(accuracy(difficulties.easy)).toBeLessThan(0.65);
    expect(accuracy(easiest)).toBeGreaterThan(0.85);
  });

  it("refuses options that leave no room, or let dots touch", () => {
    expect(() => drawPictures({ ...easiest, dashes: 40 }, 1, 1)).toThrow(/wanted two paths of 40 dashes.*fewer dashes/);
    expect(() => drawPictures({ ...easiest, clearance: 2 }, 1, 1)).toThrow(/clearance: wanted at least 4\.91/);
    expect(() => drawPictures({ ...easiest, contrast: 0 }, 1, 1)).toThrow(ArgumentError);
    expect(() => drawPictures({ ...easiest, distractors: 0.5 }, 1, 1)).toThrow(ArgumentError);
  });
});
