import { expect, it } from "vitest";
import { proportion } from "../../src/numerics/proportion.js";

it("Wilson's interval has its known values, and the ends at 0 and 1", () => {
  const [low, high] = proportion(8, 10).interval;
  expect(low).toBeCloseTo(0.4902, 4);
  expect(high).toBeCloseTo(0.9433, 4);
  expect(proportion(0, 10).interval[0]).toBe(0);
  expect(proportion(0, 10).interval[1]).toBeCloseTo(0.2775, 4);
  expect(proportion(10, 10).interval[1]).toBe(1);
});
