import { describe, expect, it } from "vitest";
import { unaryPrimitive } from "../../src/autograd/arithmetic.js";
import { apply } from "../../src/autograd/tape.js";
import { createCpu } from "../../src/cpu/backend.js";
import { float64 } from "../../src/cpu/cpu.js";
import { gradcheck, ops, type Backend, type Tensor } from "../../src/index.js";

/** sin with a derivative that is `share` of the right one. */
function wrongSin(share: number): { backend: Backend; sin: (x: Tensor) => Tensor } {
  const wrong: typeof unaryPrimitive = {
    ...unaryPrimitive,
    vjp: ({ inputs }, dy) => [ops.multiply(dy!, ops.multiply(ops.cos(inputs[0]), share))],
  };
  const backend = createCpu(
    "float64",
    (size) => new Float64Array(size),
    new Map([...float64, [wrong, float64.get(unaryPrimitive)!]]),
  );
  return { backend, sin: (x) => apply(wrong, [x], { function: "sin", a: 0, b: 0 })[0] };
}

const { backend: cpu } = wrongSin(1);

describe("gradcheck of a gradient that is half missing, wholly missing, or right", () => {
  const carried = [0, 1, 1e3, 1e5, 1e9, 1e13, 1e17, 1e300];
  it.each(
    carried.flatMap(
      (constant) =>
        [
          [0, constant],
          [0.5, constant],
        ] as const,
    ),
  )("%d of it under a loss that carries %d", async (share, constant) => {
    const { backend, sin } = wrongSin(share);
    const loss = (p: { x: Tensor; y: Tensor }): Tensor =>
      ops.add(ops.add(ops.sum(sin(p.x)), ops.sum(ops.square(p.y))), constant);
    const report = await gradcheck(loss, { x: backend.tensor([0.3, -0.4]), y: backend.tensor([1, 2]) });
    expect(report.passed).toBe(false);
    const ofX = report.directions.filter(({ parameter }) => parameter === "x");
    expect(ofX.map(({ passed }) => passed)).toEqual([false, false, false]);
    if (constant <= 1e9) expect(report.verdict).toBe("failed");
    if (constant >= 1e17) expect(report.verdict).toBe("undetermined");
    expect(report.worst.relativeError).toBeGreaterThan(0);
  });

  it.each([1e13, 1e16])("of a right one under a loss that carries %d", async (constant) => {
    const report = await gradcheck((p) => ops.add(ops.sum(ops.sin(p.x)), constant), { x: cpu.tensor([0.3, -0.4]) });
    expect(report).toMatchObject({ verdict: "undetermined", passed: false });
    expect(report.worst.resolution).toBeGreaterThan(report.tolerance);
  });

  it("of one that another parameter's gradient dwarfs", async () => {
    const { backend, sin } = wrongSin(0.5);
    const loss = (p: { x: Tensor; y: Tensor }): Tensor => ops.add(ops.sum(sin(p.x)), ops.multiply(ops.sum(p.y), 1e13));
    const report = await gradcheck(loss, { x: backend.tensor([0.3, -0.4]), y: backend.tensor([1, 2]) });
    expect(report.passed).toBe(false);
    expect(report.worst.parameter).toBe("x");
  });

  it("at a place where a step does not change the parameter", async () => {
    const report = await gradcheck((p) => ops.sum(ops.stopGradient(p.x)), { x: cpu.tensor([1e17, -3e17]) });
    expect(report.passed).toBe(false);
  });
});

describe("gradcheck passes", () => {
  it.each([0, 1, 1e3])("a right gradient under a loss that carries %d", async (constant) => {
    const report = await gradcheck((p) => ops.add(ops.sum(ops.sin(p.x)), constant), { x: cpu.tensor([0.3, -0.4]) });
    expect(report).toMatchObject({ verdict: "passed", passed: true });
  });

  it("parameters without effect beside one with: unused, or cancelled to rounding", async () => {
    const loss = (p: { x: Tensor; shift: Tensor; unused: Tensor }): Tensor =>
      ops.sum(ops.multiply(ops.softmax(ops.add(p.x, p.shift)), cpu.tensor([1, 2, 3])));
    const report = await gradcheck(loss, {
      x: cpu.tensor([0.3, -0.4, 1]),
      shift: cpu.tensor([0.7]),
      unused: cpu.tensor([5]),
    });
    expect(report).toMatchObject({ verdict: "passed", passed: true });
  });

  it("one tensor under two names, by the partial derivatives", async () => {
    const w = cpu.tensor([0.7, -1.1]);
    const report = await gradcheck(({ a, b }) => ops.sum(ops.multiply(ops.square(a), b)), { a: w, b: w });
    expect(report.passed).toBe(true);
    const slopes = report.directions.map(({ analytic }) => analytic);
    expect(slopes.slice(0, 3)).not.toEqual(slopes.slice(3));
  });
});

it("gradcheck fails a gradient that is no number", async () => {
  const report = await gradcheck((p) => ops.sum(ops.sqrt(p.x)), { x: cpu.tensor([0, 1]) });
  expect(report.verdict).toBe("failed");
});
