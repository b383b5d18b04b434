import { describe, expect, it } from "vitest";
import { cpu, gradcheck, ops, random, type Backend, type Tensor } from "../../src/index.js";
import { geluExact, rmsNorm, rotary, silu } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

const [rows, dim] = [5, 6];
const numbers = Array.from(random(1).normals(rows * dim, 2));
const close = (got: ArrayLike<number>, wanted: readonly number[], tolerance: number): void => {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, at) => expect(Math.abs(got[at] - value)).toBeLessThan(tolerance * (1 + Math.abs(value))));
};

/** Φ(x) by Simpson's rule. */
function normalDistribution(x: number): number {
  const [steps, least] = [20_000, -12];
  const width = (x - least) / steps;
  const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(least) + density(x);
  for (let at = 1; at < steps; at++) sum += (at % 2 === 0 ? 2 : 4) * density(least + at * width);
  return (sum * width) / 3;
}

const chunks = (values: readonly number[]): number[][] =>
  Array.from({ length: rows }, (_, row) => values.slice(row * dim, (row + 1) * dim));

function hold(backend: () => Backend, tolerance: number): void {
  const x = (): Tensor => backend().tensor(numbers, [1, 1, rows, dim]);

  it("gives the exact gelu within 2e-7", async () =>
    close(
      await geluExact(x()).read(),
      numbers.map((value) => value * normalDistribution(value)),
      2e-7 + tolerance,
    ));

  it("gives silu", async () =>
    close(
      await silu(x()).read(),
      numbers.map((value) => value / (1 + Math.exp(-value))),
      tolerance,
    ));

  it("divides rows by their root mean square", async () => {
    const scale = [1, 2, 3, -1, 0.5, 0];
    const wanted = chunks(numbers).flatMap((row) => {
      const root = Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0) / dim + 0.1);
      return row.map((value, at) => (value / root) * scale[at]);
    });
    close(await rmsNorm(x(), { scale: backend().tensor(scale), epsilon: 0.1 }).read(), wanted, tolerance);
  });

  it("turns pairs by their positions", async () => {
    const wanted = chunks(numbers).flatMap((row, at) => {
      const turned = [...row];
      for (let pair = 0; pair < dim / 2; pair++) {
        const angle = (at + 3) * 100 ** ((-2 * pair) / dim);
        const [a, b] = [row[pair], row[pair + dim / 2]];
        turned[pair] = a * Math.cos(angle) - b * Math.sin(angle);
        turned[pair + dim / 2] = a * Math.sin(angle) + b * Math.cos(angle);
      }
      return turned;
    });
    close(await rotary(x(), { theta: 100, start: 3 }).read(), wanted, tolerance);
    close(
      await rotary(x(), { frequencies: [1, 100 ** (-2 / dim), 100 ** (-4 / dim)], start: 3 }).read(),
      wanted,
      tolerance,
    );
  });
}

describe("cpu", () => {
  hold(() => cpu, 1e-12);

  it.each(Object.entries({ geluExact, silu, rmsNorm, rotary }))("%s has its gradient", async (_, operation) => {
    const weights = cpu.tensor(random(2).normals(rows * dim), [rows, dim]);
    const report = await gradcheck(({ x }) => ops.sum(ops.multiply(operation(x), weights)), {
      x: cpu.tensor(numbers, [rows, dim]),
    });
    expect(report.passed).toBe(true);
  });

  it("gives inner products that depend on differences of positions", async () => {
    const product = async (start: number): Promise<ArrayLike<number>> => {
      const x = cpu.tensor(numbers, [rows, dim]);
      const [q, k] = [rotary(x, { start }), rotary(x, { start: start + 2 })];
      return ops.matmul(q, k, { transposeB: true }).read();
    };
    close(await product(0), Array.from(await product(17)), 1e-10);
  });
});

describeGpu("gpu", (gpu) => hold(gpu, 3e-6));
