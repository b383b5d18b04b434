import { expect, it } from "vitest";
import { mean, median } from "../../src/numerics/averages.js";

it.each<[readonly number[], number | undefined]>([
  [[], undefined],
  [[3], 3],
  [[10, 9, 2], 9],
  [[4, 1, 10, 2], 3],
])("the median of %j is %s", (values, middle) => {
  expect(median(values)).toBe(middle);
});

it("the mean of no numbers is none", () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(mean([])).toBeNaN();
});
