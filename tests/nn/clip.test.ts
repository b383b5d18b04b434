import { describe, expect, it } from "vitest";
import { cpu, ops, random, valueAndGrad, type Backend, type Tensor } from "../../src/index.js";
import { clipGradients, gradientDescent, trainStep } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

const numbersOf = async (tensor: Tensor) => Array.from(await tensor.read());

/** Compares with g · min(1, most / ‖g‖) in float64, by relative error. */
async function agrees(backend: Backend, tolerance: number, size: number, most: number): Promise<void> {
  const [a, b, c] = [
    [6, 1],
    [4, 2],
    [1, 3],
  ].map(([count, seed]) =>
    random(seed)
      .normals(count)
      .map((x) => x * size),
  );
  const last = backend.tensor(c);
  const tree = { a: backend.tensor(a, [2, 3]), list: [backend.tensor(b), { last, again: last }] as const };
  const norm = size * Math.sqrt([...a, ...b, ...c, ...c].reduce((total, g) => total + (g / size) ** 2, 0));
  const factor = Math.min(1, most / norm);
  const result = clipGradients(tree, most);
  const near = (got: readonly number[], wanted: ArrayLike<number>): void =>
    got.forEach((x, at) => expect(Math.abs(x / wanted[at] - 1)).toBeLessThan(tolerance));
  near(await numbersOf(result.norm), [norm]);
  const { list } = result.gradients;
  near(
    await numbersOf(result.gradients.a),
    a.map((g) => g * factor),
  );
  near(
    await numbersOf(list[0]),
    b.map((g) => g * factor),
  );
  for (const tensor of [list[1].last, list[1].again])
    near(
      await numbersOf(tensor),
      c.map((g) => g * factor),
    );
  expect([result.norm.shape, result.gradients.a.shape, list[0].shape]).toEqual([[1], [2, 3], [4]]);
  near(await numbersOf(tree.a), a);
}

const sizes = [1, 1e-3, 1e20, 1e36, 1e-25];

function clips(backend: () => Backend, tolerance: number): void {
  it.each(sizes)("scales all gradients by their common norm, at size %d", async (size) => {
    await agrees(backend(), tolerance, size, 0.5 * size);
    await agrees(backend(), tolerance, size, 30 * size);
    await agrees(backend(), tolerance, size, 1);
  });

  it("leaves zero gradients zero", async () => {
    const { gradients, norm } = clipGradients({ a: backend().full(0, [2]), b: ops.sum(backend().full(0, [1])) }, 1);
    expect([...(await numbersOf(gradients.a)), ...(await numbersOf(gradients.b)), ...(await numbersOf(norm))]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it.each([
    ["NaN", 0],
    ["infinity", 1],
    ["-infinity", -1],
  ])("shows %s in every gradient and in the norm", async (_, numerator) => {
    const b = ops.divide(backend().full(numerator, [1]), backend().full(0, [1]));
    const { gradients, norm } = clipGradients({ a: backend().full(1, [2]), b }, 1);
    const got = [...(await numbersOf(gradients.a)), ...(await numbersOf(gradients.b)), ...(await numbersOf(norm))];
    expect(got).toEqual([NaN, NaN, NaN, NaN]);
  });
}

describe("clipGradients", () => {
  clips(() => cpu, 1e-12);

  it("is an option of a training step", async () => {
    const loss = ({ w }: { w: Tensor }): Tensor => ops.sum(ops.square(w));
    const [w, twin] = [cpu.tensor([3, 4]), cpu.tensor([3, 4])];
    expect(await trainStep(gradientDescent({ stepSize: 1 }), { w }, loss, { clip: 1 })).toBe(25);
    const { gradients } = valueAndGrad(loss, { w: twin });
    gradientDescent({ stepSize: 1 }).step({ w: twin }, clipGradients(gradients, 1).gradients);
    expect(await numbersOf(w)).toEqual(await numbersOf(twin));
    expect((await numbersOf(w))[0]).toBeCloseTo(3 - 0.6, 12);
  });

  describeGpu("on the GPU", (gpu) => {
    clips(gpu, 2e-6);

    it("leaves nothing behind but its result", () => {
      const own = gpu();
      const tree = { a: own.full(1, [64]), b: own.full(2, [64]) };
      const { used } = own.memory;
      const { gradients, norm } = clipGradients(tree, 1);
      for (const tensor of [gradients.a, gradients.b, norm]) tensor.dispose();
      expect(own.memory.used).toBe(used);
    });

    it("shows a norm beyond float32 as NaN, and no zeros", async () => {
      const { gradients } = clipGradients({ a: gpu().full(3e38, [2]) }, 1);
      expect(await numbersOf(gradients.a)).toEqual([NaN, NaN]);
    });
  });
});
