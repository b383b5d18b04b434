import { describe, expect, it, test } from "vitest";
import { cpu, gaussian, ops, random, softmax, spatial } from "../../src/index.js";
import { tensorsIn } from "../../src/core/tensor.js";
import * as physics from "../../src/physics/index.js";
import { amplitudesOf } from "../../src/physics/amplitudes.js";
import { jacobian } from "../../src/physics/jacobian.js";
import { disturb, laneKernels } from "../support/wave-functions.js";
import { singlePrecision } from "../../src/physics/single/wave-function.js";

/** The largest difference, in units of the largest number, or of 1 if it is smaller. */
function distance(numbers: Float64Array, exact: ArrayLike<number>): number {
  const largest = Array.from(exact).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expect(numbers).toHaveLength(exact.length);
  return numbers.reduce((most, value, at) => Math.max(most, Math.abs(value - exact[at])), 0) / largest;
}

/** The largest `distance` of derivatives [rows, P] by one of the parameters of these sizes. */
function distanceByParameter(sizes: readonly number[], found: Float64Array, exact: ArrayLike<number>): number {
  const width = sizes.reduce((a, b) => a + b);
  const owner = sizes.flatMap((size, parameter) => new Array<number>(size).fill(parameter));
  const [apart, largest] = [sizes.map(() => 0), sizes.map(() => 1)];
  expect(found).toHaveLength(exact.length);
  for (let at = 0; at < found.length; at++) {
    const parameter = owner[at % width];
    // NaN stays
    apart[parameter] = Math.max(apart[parameter], Math.abs(found[at] - exact[at]));
    largest[parameter] = Math.max(largest[parameter], Math.abs(exact[at]));
  }
  return Math.max(...apart.map((most, parameter) => most / largest[parameter]));
}

/** Compares log ψ and its derivatives with those in float64. */
async function compare(model: physics.Ansatz, parameters: physics.AnsatzParameters, rows: number, tolerance: number) {
  const spins = physics.randomChains(model.lattice, rows, random(7));
  const single = await singlePrecision(model)!(parameters);
  const [found, exact] = [await single.amplitudes(spins), await amplitudesOf(model, parameters)(spins)];
  expect(distance(found.re, exact.re)).toBeLessThan(tolerance);
  for (const turn of [Math.cos, Math.sin])
    expect(distance(found.im.map(turn), exact.im.map(turn))).toBeLessThan(tolerance);
  const parts = jacobian(model, parameters, spins);
  const into = { re: new Float64Array(parts.re.size).fill(1), im: new Float64Array(parts.im.size).fill(1) };
  await single.derivatives(spins, into);
  const sizes = tensorsIn(parameters).map(({ size }) => size);
  for (const part of ["re", "im"] as const)
    expect(distanceByParameter(sizes, into[part], await parts[part].read())).toBeLessThan(tolerance);
}

const [ring, small] = [physics.chain(6), physics.square(4)];
const shifts = physics.shiftsWithin(small, 2);
const all = physics.productOf(shifts, physics.productOf(physics.pointGroup(small), physics.spinFlip(small)));
const cyclic = (count: number) => physics.productOf(physics.translations(ring), physics.spinFlip(ring)).slice(0, count);
const one = (elements: physics.Symmetry[]) => ({ elements, characters: elements.map(() => 1) });
// images that share lanes with other rows, fill them, or fill several; sizes that are no multiples of four
const models = {
  "four images": { lattice: small, periodic: [2, 2], width: 6, heads: 2, layers: 2, projection: one(shifts) },
  "64 images": { lattice: small, periodic: [2, 2], width: 4, heads: 1, layers: 1, hidden: 5, projection: one(all) },
  signs: {
    lattice: ring,
    periodic: [3],
    width: 9,
    heads: 3,
    layers: 1,
    projection: { elements: physics.spinFlip(ring), characters: [1, -1] },
  },
  // two and three fours of images, of which blocks of lanes hold two rows, or one and a part
  "eight images": { lattice: ring, periodic: [3], width: 8, heads: 2, layers: 2, projection: one(cyclic(6)) },
  "twelve images": { lattice: ring, periodic: [3], width: 4, heads: 2, layers: 1, projection: one(cyclic(12)) },
  "16 images": { lattice: small, periodic: [2, 2], width: 4, heads: 2, layers: 1, projection: one(all.slice(0, 16)) },
  "one image": { lattice: ring, periodic: [6], patch: 1, width: 24, heads: 4, layers: 1 },
  "no layers": { lattice: small, periodic: [2, 2], width: 4, heads: 2, layers: 0, projection: one(shifts) },
};
const kernels: typeof laneKernels = {
  ...laneKernels,
  // a kernel that learns nothing
  mean: () => ({
    ...spatial(),
    name: "mean",
    inputs: [],
    compose: ({ v }) => ops.add(ops.mean(v, 2, { keepAxes: true }), v.backend.full(0, v.shape)),
  }),
};

describe("wave functions in float32", () => {
  test.each(Object.entries(kernels))("%s: log ψ and its derivatives are those of float64", async (_, kernelOf) => {
    for (const [name, { periodic, ...options }] of Object.entries(models)) {
      const model = physics.ansatz({ ...options, kernel: kernelOf(periodic) });
      const tolerance = name === "signs" ? 5e-5 : 5e-6; // images of opposite signs nearly cancel
      for (const rows of [1, 9]) await compare(model, disturb(model.initialize(cpu, random(1)), 2), rows, tolerance);
    }
  });

  it("hold for large numbers, in which sines and exponentials have large arguments", async () => {
    const model = physics.ansatz({ lattice: ring, kernel: softmax(), width: 24, heads: 2, layers: 1 });
    const parameters = disturb(model.initialize(cpu, random(1)), 3);
    for (const { scale, shift } of [parameters.realNorm, parameters.imaginaryNorm])
      for (const tensor of [scale, shift]) tensor.assign(cpu.tensor(random(4).normals(24, 40), tensor.shape));
    await compare(model, parameters, 5, 1e-4);
  });

  it("share memory, which grows, with those of other parameters", async () => {
    const model = physics.ansatz({ lattice: small, kernel: softmax(), width: 48, heads: 4, layers: 2 });
    const start = singlePrecision(model)!;
    const spins = physics.randomChains(small, 3, random(7));
    const [first, second] = [1, 2].map((seed) => disturb(model.initialize(cpu, random(seed)), seed, 0.1));
    const both = [await start(first), await start(second)];
    const alone = [first, second].map(async (parameters) =>
      (await singlePrecision(model)!(parameters)).amplitudes(spins),
    );
    for (const at of [0, 1, 0, 1]) expect(await both[at].amplitudes(spins)).toEqual(await alone[at]);
  });

  it("are NaN where parameters are, and none of no rows", async () => {
    const model = physics.ansatz({ lattice: ring, kernel: softmax(), width: 4, heads: 2, layers: 1 });
    const parameters = model.initialize(cpu, random(1));
    const { weight } = parameters.layers[0].expand;
    weight.assign(cpu.adopt(new Float64Array(weight.size).fill(NaN), weight.shape, "f64"));
    const single = await singlePrecision(model)!(parameters);
    expect((await single.amplitudes(physics.randomChains(ring, 1, random(2)))).re).toEqual(Float64Array.of(NaN));
    expect((await single.amplitudes(new Int8Array(0))).re).toHaveLength(0);
  });

  it("are not made for other kernels, or for wave functions with a log ψ of their own", () => {
    const options = { lattice: ring, width: 4, heads: 2, layers: 1 };
    expect(singlePrecision(physics.ansatz({ ...options, kernel: gaussian() }))).toBeUndefined();
    expect(singlePrecision({ ...physics.ansatz({ ...options, kernel: softmax() }) })).toBeUndefined();
  });
});
