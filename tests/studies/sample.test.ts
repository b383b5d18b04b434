import { describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { chooseSample } from "../../src/studies/convergence/sample.js";

const size = { samples: 2, tokens: 2, width: 64 };
const examples = (...rows: readonly [label: number, ...ids: number[]][]) => ({
  count: rows.length,
  tokens: 3,
  ids: Int32Array.from(rows.flatMap(([, ...ids]) => ids)),
  labels: Int32Array.from(rows, ([label]) => label),
});

describe("chooseSample", () => {
  it("prefers texts that share no word, lets the classes take turns and skips short texts", () => {
    const { inputs, targets } = chooseSample(
      examples([0, 5, 0, 0], [0, 2, 3, 4], [1, 2, 9, 9], [1, 6, 7, 8]),
      2,
      random(1),
      size,
    );
    expect(targets).toEqual([
      [
        [1, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [0, 1],
      ],
    ]);
    const [first, second] = inputs.map(([row]) => row);
    expect(first).not.toEqual(second); // words 2 and 6, not 2 and 2
    expect(inputs.flat().map((row) => row.length)).toEqual([64, 64, 64, 64]);
  });

  it("gives a word the same embedding wherever it stands, apart from its position", () => {
    const { inputs } = chooseSample(examples([0, 2, 2, 2], [1, 2, 2, 2]), 2, random(1), size);
    expect(inputs[0]).toEqual(inputs[1]);
    expect(inputs[0][0]).not.toEqual(inputs[0][1]);
  });

  it("says how many texts are long enough when there are too few", () => {
    expect(() => chooseSample(examples([0, 2, 3, 4], [1, 2, 0, 0]), 2, random(1), size)).toThrow(DataError);
  });
});
