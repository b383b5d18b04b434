import { describe, expect, it } from "vitest";
import { ArgumentError, NonFiniteError, ShapeError } from "../../src/core/errors.js";
import { softmax } from "../../src/kernels/softmax.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { randomProblem, type Problem } from "./support.js";

const options = { kernel: softmax(), trainable: ["value"] } as const;

describe("a malformed problem", () => {
  const wrongShapes: [string, (problem: Problem) => void, RegExp][] = [
    ["no samples", (problem) => (problem.inputs = []), /inputs: wanted an array of at least one matrix/],
    ["an empty sample", (problem) => (problem.inputs[0] = []), /inputs\[0\]/],
    ["an empty row", (problem) => (problem.inputs[0] = [[]]), /inputs\[0\]/],
    ["ragged rows", (problem) => problem.inputs[1][2].pop(), /inputs\[1\]\[2\]: wanted 4 numbers, as in row 0, got 3/],
    ["fewer targets", (problem) => problem.targets.pop(), /targets: wanted 2 samples/],
    ["a target of other length", (problem) => problem.targets[1].pop(), /targets\[1\]: wanted 4 rows/],
    ["a target of other width", (problem) => (problem.targets[0] = [[1], [1]]), /targets\[0\]: wanted 2 columns/],
    [
      "a sample of other width",
      (problem) => (problem.inputs[1] = problem.inputs[1].map((row) => row.slice(1))),
      /inputs\[1\]: wanted 4 columns/,
    ],
    ["a head less", (problem) => problem.weights.value.pop(), /weights\.value: wanted 2 heads/],
    ["W^Q of other height", (problem) => problem.weights.query[1].pop(), /weights\.query\[1\]: wanted 4 rows/],
    [
      "W^K unlike W^Q",
      (problem) => (problem.weights.key[0] = problem.weights.key[0].map((row) => row.slice(1))),
      /weights\.key\[0\]: wanted 3 columns/,
    ],
    ["W^O unlike W^V", (problem) => problem.weights.output[0].pop(), /weights\.output\[0\]: wanted 3 rows/],
  ];

  it.each(wrongShapes)("with %s is a ShapeError", (_, spoil, message) => {
    const problem = randomProblem(1);
    spoil(problem);
    const check = () => checkConvergence(problem, options);
    expect(check).toThrow(ShapeError);
    expect(check).toThrow(message);
  });

  it.each([NaN, Infinity])("with %f is a NonFiniteError that says where", (number) => {
    const problem = randomProblem(1);
    problem.weights.key[1][2][0] = number;
    const check = () => checkConvergence(problem, options);
    expect(check).toThrow(NonFiniteError);
    expect(check).toThrow(/weights\.key\[1\]\[2\]\[0\]/);
  });

  it("that overflows is a NonFiniteError", () => {
    const problem = randomProblem(1);
    problem.weights.query = problem.weights.query.map((rows) => rows.map((row) => row.map((number) => number * 1e200)));
    problem.weights.key = problem.weights.key.map((rows) => rows.map((row) => row.map((number) => number * 1e200)));
    expect(() => checkConvergence(problem, options)).toThrow(NonFiniteError);
  });
});

describe("options", () => {
  it("reject no trained weights, unknown names and steps that are not positive", () => {
    const problem = randomProblem(1);
    expect(() => checkConvergence(problem, { ...options, trainable: [] })).toThrow(ArgumentError);
    // @ts-expect-error a name that does not exist
    expect(() => checkConvergence(problem, { ...options, trainable: ["values"] })).toThrow(
      /trainable: .*got \["values"\]/,
    );
    for (const stepSize of [0, -1, NaN, Infinity]) {
      expect(() => checkConvergence(problem, { ...options, stepSize })).toThrow(ArgumentError);
    }
  });

  it("reject a negative number of steps", () => {
    const { certificate } = checkConvergence(randomProblem(1), options);
    expect(() => certificate.predictedLoss?.(-1)).toThrow(ArgumentError);
  });
});

it("takes typed arrays and leaves them unchanged", () => {
  const problem = randomProblem(1);
  const typed = { ...problem, inputs: problem.inputs.map((rows) => rows.map((row) => Float64Array.from(row))) };
  const before = structuredClone(typed);
  const { certificate, ...report } = checkConvergence(typed, options);
  const { certificate: plainCertificate, ...plain } = checkConvergence(problem, options);
  expect(report).toEqual(plain);
  expect(certificate.rate).toBe(plainCertificate.rate);
  expect(typed).toEqual(before);
});
