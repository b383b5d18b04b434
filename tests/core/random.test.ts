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
      expect([resumed.uniform(), resumed.normal(), resumed.integer(1000), ...resumed.shuffle([1, 2, 3, 4, 5])]).toEqual(expected);
    }),
  );
});
