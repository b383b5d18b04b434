import { describe, expect, it } from "vitest";
import { headDistance, meanCosine } from "../../src/analysis/redundancy.js";
import { random } from "../../src/core/random.js";

describe("meanCosine", () => {
  it("has the values of hand", () => {
    expect(meanCosine([1, 0, 0, 2], 2, 2)).toBeCloseTo(0, 15);
    expect(meanCosine([1, 2, 2, 4, 3, 6], 3, 2)).toBeCloseTo(1, 14);
    expect(meanCosine([1, 0, -3, 0], 2, 2)).toBeCloseTo(-1, 15);
    // pairs at 0°, 60° and 60° and their double: (cos 60 + cos 60 + cos 120) / 3
    expect(meanCosine([1, 0, 0.5, Math.sqrt(3) / 2, -0.5, Math.sqrt(3) / 2], 3, 2)).toBeCloseTo(1 / 6, 14);
  });

  it("is the mean over explicit pairs", () => {
    const [n, width] = [6, 5];
    const rows = random(1).normals(n * width);
    let total = 0;
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        if (a === b) continue;
        const product = (i: number, j: number): number =>
          Array.from({ length: width }, (_, c) => rows[i * width + c] * rows[j * width + c]).reduce((x, y) => x + y);
        total += product(a, b) / Math.sqrt(product(a, a) * product(b, b));
      }
    }
    expect(meanCosine(rows, n, width)).toBeCloseTo(total / (n * (n - 1)), 12);
  });
});

describe("headDistance", () => {
  it("has the values of hand", () => {
    // identity against uniform rows: four entries that differ by 1/2
    expect(headDistance([1, 0, 0, 1, 0.5, 0.5, 0.5, 0.5], 2, 4)).toBeCloseTo(1, 15);
    expect(headDistance([1, 2, 1, 2, 1, 2], 3, 2)).toBe(0);
    // distances 5, 10 and 5
    expect(headDistance([0, 0, 3, 4, 6, 8], 3, 2)).toBeCloseTo(20 / 3, 14);
  });
});
