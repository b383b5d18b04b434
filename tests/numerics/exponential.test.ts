import { expect, it } from "vitest";
import { random } from "../../src/index.js";
import { exponential } from "../../src/numerics/exponential.js";
import { gelusPlainly, wasmGelus } from "../../src/numerics/gelu.js";

/** The place of a positive number among all of them. */
const placeOf = (x: number): bigint => new BigInt64Array(Float64Array.of(x).buffer)[0];

it.each([1, 20, 700])("e^x agrees with the engine's within two units in the last place, for |x| up to %i", (most) => {
  const stream = random(most);
  for (let count = 0; count < 20_000; count++) {
    const x = (2 * stream.uniform() - 1) * most;
    expect(Math.abs(Number(placeOf(exponential(x)) - placeOf(Math.exp(x))))).toBeLessThanOrEqual(2);
  }
});

it("e^x keeps NaN, infinity, one and what is next to zero", () => {
  const edges = [NaN, Infinity, -Infinity, 0, -0, 708.9, 709.5, 709.8, -707.9, -708.3, -740, -750, 1e300, -1e300];
  for (const x of edges) {
    const [found, expected] = [exponential(x), Math.exp(x)];
    if (Number.isFinite(expected) && expected > 0) expect(Math.abs(found / expected - 1)).toBeLessThan(1e-15);
    else expect(found).toBe(expected);
  }
});

it("gelu by WebAssembly has the bits of plain JavaScript, for any length and every edge", () => {
  const stream = random(3);
  const edges = [
    NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1e-310,
    -1e-310,
    15.9,
    -15.9,
    20,
    -20,
    -21.1,
    -21.155,
    -21.2,
    -30,
    1e200,
    -1e200,
  ];
  for (const length of [1, 2, 4095, 4096, 4097, 10_001]) {
    const x = Float64Array.from({ length }, (_, at) => (at % 7 === 0 ? edges[at % edges.length] : 8 * stream.normal()));
    for (const Numbers of [Float64Array, Float32Array]) {
      const [found, expected] = [new Numbers(length), new Numbers(length)];
      wasmGelus()!(Numbers.from(x), found);
      gelusPlainly(Numbers.from(x), expected);
      expect(found).toEqual(expected);
    }
  }
});
