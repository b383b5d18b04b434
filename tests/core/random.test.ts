import fc from "fast-check";
import { expect, it } from "vitest";
import { random } from "../../src/core/random.js";

it("goes on from a state with the same stream, whatever was drawn before", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.nat(50), (seed, other, skipped) => {
      const stream = random(seed);
      stream.normals(skipped);
      stream.shuffle([1, 2, 3]);
      const state = JSON.parse(JSON.stringify(stream.state())) as number[];
      const expected = [stream.uniform(), stream.normal(), stream.integer(1000), ...stream.shuffle([1, 2, 3, 4, 5])];
      const resumed = random(other);
      resumed.restore(state);
      expect([resumed.uniform(), resumed.normal(), resumed.integer(1000), ...resumed.shuffle([1, 2, 3, 4, 5])]).toEqual(
        expected,
      );
    }),
  );
});

it("gives different seeds different streams, beyond 32 bits too", () => {
  const seeds = [1, 5, 2 ** 31 - 1, -1, -(2 ** 31)].flatMap((seed) =>
    [-2, -1, 0, 1, 2, 2 ** 20].map((high) => seed + high * 2 ** 32),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
  const streams = seeds
    .map((seed) => random(seed))
    .map((stream) => [stream.uniform(), stream.uniform(), stream.uniform()].join());
  expect(new Set(streams).size).toBe(seeds.length);
});

it.each([NaN, Infinity, 0.5, 2 ** 53, -(2 ** 53), 1e300])("refuses seed %d", (seed) => {
  expect(() => random(seed)).toThrow(/random: seed: wanted a whole number/);
});
