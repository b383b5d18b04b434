import { describe, expect, it } from "vitest";
import { random } from "../../src/index.js";
import {
  accumulatePlainly,
  accumulateWith,
  gridOf,
  pairFunctions,
  wasmUnit,
} from "../../src/numerics/pair-products.js";

const contribution = {
  product: (x: number, y: number) => x * y,
  squaredDifference: (x: number, y: number) => (x - y) * (x - y),
  absoluteDifference: (x: number, y: number) => Math.abs(x - y),
};

/** Sizes on both sides of panels of four and of blocks of 64 rows, 512 columns and 256 terms. */
const sizes = [
  [1, 1, 1],
  [3, 5, 2],
  [4, 4, 4],
  [65, 7, 257],
  [130, 513, 9],
  [2, 1030, 3],
  [70, 33, 600],
] as const;

const forms = { WebAssembly: accumulateWith(wasmUnit()!), JavaScript: accumulatePlainly };

describe.each(Object.entries(forms))("pair products by %s", (_, accumulate) => {
  it.each(sizes)("are their sums in order, bit for bit: %i x %i, %i terms", (rows, columns, terms) => {
    const stream = random(rows + columns + terms);
    for (const of of pairFunctions) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const [a, b] = [stream.normals(rows * terms + 3), stream.normals(columns * terms + 2)];
        const before = stream.normals(rows * columns + 1);
        const c = before.slice();
        accumulate(
          of,
          transposeA ? gridOf(a, 3, terms, rows, true) : gridOf(a, 3, rows, terms),
          transposeB ? gridOf(b, 2, terms, columns, true) : gridOf(b, 2, columns, terms),
          gridOf(c, 1, rows, columns),
        );
        expect(c[0]).toBe(before[0]);
        let same = 0;
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            let sum = before[1 + i * columns + j];
            for (let k = 0; k < terms; k++)
              sum += contribution[of](
                a[3 + (transposeA ? k * rows + i : i * terms + k)],
                b[2 + (transposeB ? k * columns + j : j * terms + k)],
              );
            if (Object.is(c[1 + i * columns + j], sum)) same++;
          }
        }
        expect(same).toBe(rows * columns);
      }
    }
  });

  it("hand on NaN and infinity where they are, and nowhere else", () => {
    const [a, b, c] = [[1, NaN, 3, Infinity, 5, 6], [1, 1, 2, 2], new Float64Array(6)];
    accumulate(
      "product",
      gridOf(Float64Array.from(a), 0, 3, 2),
      gridOf(Float64Array.from(b), 0, 2, 2),
      gridOf(c, 0, 3, 2),
    );
    expect(Array.from(c)).toEqual([NaN, NaN, Infinity, Infinity, 11, 22]);
  });
});
