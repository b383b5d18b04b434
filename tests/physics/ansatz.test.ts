import { describe, expect, it } from "vitest";
import {
  cpu,
  factored,
  gradcheck,
  kernels,
  ops,
  random,
  relativePosition,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { isTensor } from "../../src/core/is-tensor.js";
import { countParameters, tensorsIn } from "../../src/core/tensor.js";
import { mapTree } from "../../src/core/tree.js";
import { ansatz } from "../../src/physics/ansatz.js";
import type { AnsatzParameters } from "../../src/physics/ansatz-parameters.js";
import { jacobian } from "../../src/physics/jacobian.js";
import { chain, square } from "../../src/physics/lattice.js";
import { logCosh } from "../../src/physics/logarithms.js";
import { imagesOf, pointGroup, productOf, shiftsWithin, spinFlip, translations } from "../../src/physics/symmetry.js";
import { describeGpu } from "../support/gpu.js";

const lattice = square(4);
const small = (kernel: AttentionKernel) => ansatz({ lattice, kernel, width: 8, heads: 2, layers: 2 });
const spinRows = (rows: number, sites = 16, seed = 5): Int8Array => {
  const generator = random(seed);
  return Int8Array.from(
    Array.from({ length: rows }, () =>
      generator.shuffle(Array.from({ length: sites }, (_, site) => (site % 2 === 0 ? 1 : -1))),
    ).flat(),
  );
};
/** Parameters away from where they start, so that no derivative vanishes. */
const disturbed = (backend: Backend, parameters: AnsatzParameters): AnsatzParameters =>
  mapTree(parameters, isTensor, (tensor) =>
    ops.add(tensor, backend.tensor(random(tensor.size).normals(tensor.size, 0.2), tensor.shape)),
  ) as AnsatzParameters;
const owned = Object.keys(kernels).filter((name) => (kernels[name]().inputs ?? []).every(({ fixed }) => !fixed));

it("has exactly the parameters of the published configuration", () => {
  const published = ansatz({
    lattice: square(10),
    kernel: factored({ periodic: [5, 5] }),
    width: 60,
    heads: 10,
    layers: 4,
  });
  expect(countParameters(published.initialize(cpu, random(1)))).toBe(155_620);
});

it("log cosh is that of complex numbers, also where cosh overflows", async () => {
  const [a, b] = [
    [0.3, -0.7, 0, 800, -2],
    [1.1, -2.9, 1, 0.4, 0],
  ];
  const { re, im } = logCosh(cpu.tensor(a), cpu.tensor(b));
  const [reals, imaginaries] = [await re.read(), await im.read()];
  a.slice(0, 3).forEach((value, at) => {
    const [x, y] = [Math.cosh(value) * Math.cos(b[at]), Math.sinh(value) * Math.sin(b[at])];
    expect(Math.exp(reals[at]) * Math.cos(imaginaries[at])).toBeCloseTo(x, 12);
    expect(Math.exp(reals[at]) * Math.sin(imaginaries[at])).toBeCloseTo(y, 12);
  });
  expect(reals[3]).toBeCloseTo(800 - Math.LN2, 10);
  expect(imaginaries[3]).toBeCloseTo(0.4, 12);
  expect(reals[4]).toBeCloseTo(Math.log(Math.cosh(2)), 12);
});

describe.each(owned)("log ψ over %s", (name) => {
  const model = small(kernels[name]());
  const parameters = disturbed(cpu, model.initialize(cpu, random(3)));

  it("has the derivatives of central differences, and a Jacobian of the gradients of its rows", async () => {
    const spins = spinRows(3);
    const tokens = model.tokens(cpu, spins);
    const [weigh, turn] = [cpu.tensor([0.3, -1, 0.7]), cpu.tensor([1, 0.2, -0.4])];
    const loss = (own: AnsatzParameters): Tensor => {
      const { re, im } = model.apply(own, tokens);
      return ops.sum(ops.add(ops.multiply(re, weigh), ops.multiply(im, turn)));
    };
    const report = await gradcheck((own) => loss(own as AnsatzParameters), { ...parameters } as never, {
      directions: 1,
    });
    expect(report.worst).toMatchObject({ passed: true });
    const { re, im } = jacobian(model, parameters, spins);
    const count = countParameters(parameters);
    expect(re.shape).toEqual([3, count]);
    const { gradients } = valueAndGrad(loss, parameters);
    const expected = (await Promise.all(tensorsIn(gradients).map((tensor) => tensor.read()))).flatMap((part) =>
      Array.from(part),
    );
    const [reals, imaginaries, w, t] = [await re.read(), await im.read(), await weigh.read(), await turn.read()];
    const worst = expected.reduce((most, value, k) => {
      const summed = [0, 1, 2].reduce(
        (total, row) => total + w[row] * reals[row * count + k] + t[row] * imaginaries[row * count + k],
        0,
      );
      return Math.max(most, Math.abs(summed - value));
    }, 0);
    expect(worst).toBeLessThan(1e-10);
  });
});

describe("log ψ", () => {
  it.each([
    ["factored", factored({ periodic: [2, 2] })],
    ["softmax with relative positions", relativePosition({ periodic: [2, 2] })],
  ])("over %s is invariant under translations by a patch, and not by a site", async (_, kernel) => {
    const model = small(kernel);
    const parameters = disturbed(cpu, model.initialize(cpu, random(3)));
    const spins = spinRows(1);
    const values = async (step: number) => {
      const { re, im } = model.apply(parameters, model.tokens(cpu, imagesOf(spins, translations(lattice, step))));
      return [await re.read(), await im.read()].map((part) => Math.max(...part) - Math.min(...part));
    };
    for (const spread of await values(2)) expect(spread).toBeLessThan(1e-11);
    expect((await values(1))[0]).toBeGreaterThan(1e-3);
  });

  it(
    "projected on a group is the sum over images, invariant under the group, with a Jacobian of gradients " +
      "of its rows",
    async () => {
      const elements = productOf(shiftsWithin(lattice, 2), productOf(pointGroup(lattice), spinFlip(lattice)));
      expect(elements).toHaveLength(64);
      for (const kernel of [factored({ periodic: [2, 2] }), relativePosition({ periodic: [2, 2] })]) {
        const options = { lattice, kernel, width: 4, heads: 2, layers: 1 };
        const [plain, model] = [
          ansatz(options),
          ansatz({ ...options, projection: { elements, characters: elements.map(() => 1) } }),
        ];
        const parameters = disturbed(cpu, plain.initialize(cpu, random(3)));
        const spins = spinRows(2);
        const read = async (own: typeof model, rows: Int8Array) => {
          const { re, im } = own.apply(parameters, own.tokens(cpu, rows));
          return { re: await re.read(), im: await im.read() };
        };
        const [images, projected] = [await read(plain, imagesOf(spins, elements)), await read(model, spins)];
        for (const row of [0, 1]) {
          const own = elements.map((_, element) => 2 * element + row);
          const [x, y] = [Math.cos, Math.sin].map(
            (part) => own.reduce((sum, at) => sum + Math.exp(images.re[at]) * part(images.im[at]), 0) / 64,
          );
          expect(Math.exp(projected.re[row]) * Math.cos(projected.im[row])).toBeCloseTo(x, 12);
          expect(Math.exp(projected.re[row]) * Math.sin(projected.im[row])).toBeCloseTo(y, 12);
        }
        const { re } = await read(
          model,
          imagesOf(
            spins.slice(0, 16),
            productOf(translations(lattice), productOf(pointGroup(lattice), spinFlip(lattice))),
          ),
        );
        expect(Math.max(...re) - Math.min(...re)).toBeLessThan(1e-10);
        const tokens = model.tokens(cpu, spins);
        const gradientOf = async (part: "re" | "im") => {
          const { gradients } = valueAndGrad(
            (own: AnsatzParameters) => ops.sum(model.apply(own, tokens)[part]),
            parameters,
          );
          return (await Promise.all(tensorsIn(gradients).map((tensor) => tensor.read()))).flatMap((numbers) =>
            Array.from(numbers),
          );
        };
        const rows = jacobian(model, parameters, spins);
        for (const part of ["re", "im"] as const) {
          const [found, wanted] = [await rows[part].read(), await gradientOf(part)];
          expect(
            Math.max(...wanted.map((value, k) => Math.abs(value - found[k] - found[wanted.length + k]))),
          ).toBeLessThan(1e-10);
        }
      }
    },
  );

  it(
    "gives the weights of its layers: rows of 1 for softmax, the learned numbers themselves for factored " +
      "attention",
    async () => {
      const soft = small(softmax());
      const maps = soft.weights(disturbed(cpu, soft.initialize(cpu, random(3))), spinRows(3));
      expect(maps.map(({ shape }) => shape)).toEqual([
        [3, 2, 4, 4],
        [3, 2, 4, 4],
      ]);
      for (const total of await ops.sum(maps[1], -1).read()) expect(total).toBeCloseTo(1, 12);
      const positional = small(factored());
      const parameters = positional.initialize(cpu, random(3));
      const [first] = positional.weights(parameters, spinRows(3));
      expect(Array.from((await first.read()).slice(0, 32))).toEqual(
        Array.from(await parameters.layers[0].learned["positions"].read()),
      );
    },
  );

  it("says what it cannot be made of", () => {
    expect(() => ansatz({ lattice, kernel: softmax(), width: 8, heads: 3, layers: 1 })).toThrow(
      /ansatz: heads: wanted a divisor of the width 8, got 3/,
    );
    expect(() => small(kernels["elliptical"]())).toThrow(/which is given its metric/);
    expect(() => small(softmax()).tokens(cpu, new Int8Array(15))).toThrow(/rows of 16 spins/);
  });
});

describeGpu("the ansatz on the GPU", (gpu) => {
  it.each(["factored", "relativePosition"])("over %s has the values and the Jacobian of float64", async (name) => {
    const model = ansatz({ lattice: chain(8), kernel: kernels[name](), width: 8, heads: 2, layers: 1 });
    const exact = disturbed(cpu, model.initialize(cpu, random(3)));
    const numbers = new Map<Tensor, ArrayLike<number>>();
    for (const tensor of tensorsIn(exact)) numbers.set(tensor, await tensor.read());
    const own = mapTree(exact, isTensor, (tensor) =>
      gpu().tensor(numbers.get(tensor)!, tensor.shape),
    ) as AnsatzParameters;
    const spins = spinRows(5, 8);
    const derivatives = [jacobian(model, own, spins), jacobian(model, exact, spins)] as const;
    const values = [
      model.apply(own, model.tokens(gpu(), spins)),
      model.apply(exact, model.tokens(cpu, spins)),
    ] as const;
    for (const [[a, b], tolerance] of [
      [values, 1e-5],
      [derivatives, 1e-4],
    ] as const) {
      for (const part of ["re", "im"] as const) {
        const [found, wanted] = [await a[part].read(), await b[part].read()];
        const scale = Math.max(...wanted.map(Math.abs));
        expect(Math.max(...found.map((value, at) => Math.abs(value - wanted[at]))) / scale).toBeLessThan(tolerance);
      }
    }
  });
});
