import { describe, expect, it } from "vitest";
import { geometricInterval, meanInterval, NORMAL_QUANTILE, studentQuantile } from "../../src/numerics/mean-interval.js";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";

describe("meanInterval", () => {
  it.each([
    [1, 12.7062],
    [2, 4.30265],
    [3, 3.18245],
    [4, 2.77645],
    [5, 2.57058],
    [10, 2.22814],
    [30, 2.04227],
    [1000, 1.96234],
  ])("has the tabulated quantile of Student's distribution with %i degrees", (freedom, tabulated) =>
    expect(Math.abs(studentQuantile(freedom) / tabulated - 1)).toBeLessThan(3e-6),
  );

  it("has the normal distribution's quantile as the limit of Student's, 1/freedom away", () => {
    for (const freedom of [100, 1000])
      expect(studentQuantile(freedom) - NORMAL_QUANTILE).toBeCloseTo(
        (NORMAL_QUANTILE ** 3 + NORMAL_QUANTILE) / (4 * freedom),
        Math.log10(freedom) * 2 - 1,
      );
  });

  it("is mean ± t s/√n", () => {
    const { mean, low, high } = meanInterval([1, 2, 6]); // s² = 7
    expect(mean).toBe(3);
    expect(high - mean).toBeCloseTo(4.30265273 * Math.sqrt(7 / 3), 8);
    expect(mean - low).toBeCloseTo(high - mean, 12);
  });

  it("covers the expectation in 95 of 100 repetitions of five normal values", () => {
    const source = random(1);
    const repetitions = 4000;
    let covered = 0;
    for (let index = 0; index < repetitions; index++) {
      const { low, high } = meanInterval(Array.from(source.normals(5)));
      if (low <= 0 && high >= 0) covered++;
    }
    // four standard deviations of the count
    expect(Math.abs(covered / repetitions - 0.95)).toBeLessThan(4 * Math.sqrt((0.95 * 0.05) / repetitions));
  });

  it("knows nothing from one value and refuses none", () => {
    expect(meanInterval([0.7])).toEqual({ mean: 0.7, low: -Infinity, high: Infinity, count: 1 });
    expect(() => meanInterval([])).toThrow(ArgumentError);
  });
});

describe("geometricInterval", () => {
  it("is the mean interval of the logarithms: inverse values have the inverse interval", () => {
    const [own, inverse] = [geometricInterval([2, 8]), geometricInterval([1 / 2, 1 / 8])];
    expect(own.mean).toBeCloseTo(4, 12);
    expect(own.high / own.mean).toBeCloseTo(Math.exp(12.7062047 * Math.log(2)), 0);
    expect([1 / inverse.mean, 1 / inverse.high, 1 / inverse.low]).toEqual(
      [own.mean, own.low, own.high].map((value) => expect.closeTo(value, 9) as number),
    );
    expect(geometricInterval([3])).toMatchObject({ low: 0, high: Infinity, count: 1 });
  });
});
