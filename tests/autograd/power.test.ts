import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { cpu, ops, valueAndGrad, type Backend, type Tensor } from "../../src/index.js";
import { describeGpu } from "../support/gpu.js";

const numbers = [0, 0.25, 1, 2, -0.25, -1, -3, 1e-30, -1e-30];

/** By exponent: the value, the slope and the second derivative that the exponent gives each number. */
const exponents = [0, 1, 2, 3, 0.5, -0.5, 1.5, -1, -2, 1 / 3, 2 + 1e-12];

/** coefficient · x^exponent, where a coefficient of zero leaves nothing. */
const term = (coefficient: number, x: number, exponent: number): number =>
  coefficient === 0 ? 0 : coefficient * x ** exponent;

async function powers(backend: Backend, exponent: number): Promise<number[][]> {
  const x = backend.tensor(numbers);
  const loss = (p: { x: Tensor }): Tensor => ops.sum(ops.power(p.x, exponent));
  const slope = (p: { x: Tensor }): Tensor => ops.sum(valueAndGrad(loss, p).gradients.x);
  const results = [
    ops.power(x, exponent),
    valueAndGrad(loss, { x }).gradients.x,
    valueAndGrad(slope, { x }).gradients.x,
  ];
  return Promise.all(results.map(async (tensor) => Array.from(await tensor.read())));
}

/** Asks of every number what IEEE 754 says; `round` is what the backend may make of a number. */
async function expectPowers(backend: Backend, exponent: number, digits: number, largest: number): Promise<void> {
  const [values, slopes, curvatures] = await powers(backend, exponent);
  const one = (actual: number, wanted: number, what: string): void => {
    if (Number.isNaN(wanted)) expect(actual, what).toBeNaN();
    else if (Math.abs(wanted) > largest) expect(actual, what).toBe(Math.sign(wanted) * Infinity);
    else
      expect(Math.abs(actual - wanted), `${what}: ${actual}, wanted ${wanted}`).toBeLessThanOrEqual(
        digits * Math.abs(wanted) + 1 / largest,
      );
  };
  numbers.forEach((x, at) => {
    one(values[at], x ** exponent, `${x}^${exponent}`);
    one(slopes[at], term(exponent, x, exponent - 1), `slope of ${x}^${exponent}`);
    // A number beyond the largest float32 on the way makes the product with a cotangent infinite too.
    one(curvatures[at], term(exponent * (exponent - 1), x, exponent - 2), `second derivative of ${x}^${exponent}`);
  });
}

describe("power at one, at zero and below", () => {
  it.each(exponents)("exponent %d on the CPU", (exponent) => expectPowers(cpu, exponent, 1e-12, Number.MAX_VALUE));

  it("refuses an exponent that is no finite number", () => {
    for (const exponent of [NaN, Infinity, "2" as unknown as number])
      expect(() => ops.power(cpu.tensor([1]), exponent)).toThrow(ArgumentError);
  });
});

describeGpu("power on the GPU at one, at zero and below", (gpu) => {
  it.each(exponents)("exponent %d", (exponent) => expectPowers(gpu(), exponent, 1e-4, 3.4e38));

  it("four numbers at a time and one at a time, with infinities and NaN that arise on the way", async () => {
    const lonely = ops.divide(gpu().tensor([1, -1, 0]), gpu().full(0, [3]));
    const wide = ops.divide(gpu().tensor([1, -1, 0, 1]), gpu().full(0, [4]));
    for (const exponent of [0, 1, 2, 3, 0.5, -1, -2]) {
      const wanted = [Infinity, -Infinity, NaN, Infinity].map((x) => Math.abs(x ** exponent));
      expect(Array.from(await ops.power(wide, exponent).read(), Math.abs)).toEqual(wanted);
      expect(Array.from(await ops.power(lonely, exponent).read(), Math.abs)).toEqual(wanted.slice(0, 3));
    }
  });
});
