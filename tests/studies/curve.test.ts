import { describe, expect, it } from "vitest";
import { keptSteps } from "../../src/studies/curve.js";

describe("keptSteps", () => {
  it("keeps every step at first, then every second, every fourth, and the last", () => {
    expect(keptSteps(5)).toEqual([0, 1, 2, 3, 4]);
    expect(keptSteps(20, 4)).toEqual([0, 1, 2, 3, 4, 6, 8, 12, 16, 19]);
  });

  it("grows with the logarithm of the length", () => {
    const count = (length: number): number => keptSteps(length, 20).length;
    expect(count(80_000) - count(40_000)).toBeLessThanOrEqual(12);
    expect(count(80_000)).toBeLessThan(160);
  });
});
