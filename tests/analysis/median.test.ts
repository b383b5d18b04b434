import { expect, it } from "vitest";
import { median } from "../../src/analysis/median.js";

it.each<[readonly number[], number | undefined]>([[[], undefined], [[3], 3], [[10, 9, 2], 9], [[4, 1, 10, 2], 3]])("the median of %j is %s", (values, middle) => {
  expect(median(values)).toBe(middle);
});
