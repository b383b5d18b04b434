import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/core/errors.js";
import { tensorsIn } from "../../src/core/tensor.js";
import {
  attention,
  attentionWithStatistic,
  cpu,
  gradcheck,
  kernels,
  ops,
  random,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Tensor,
} from "../../src/index.js";
import { cases, inputsOf, upload } from "../support/cases.js";

type Inputs = Readonly<Record<string, Tensor>>;

/** Σ |gradient|² of a loss, as a loss. */
const squaredGradient =
  (loss: (inputs: Inputs) => Tensor) =>
  (inputs: Inputs): Tensor =>
    tensorsIn(valueAndGrad(loss, inputs).gradients)
      .map((gradient) => ops.sum(ops.square(gradient)))
      .reduce((a, b) => ops.add(a, b));

describe("second derivatives of every operation, against central differences of first ones", () => {
  it.each(cases.map((testCase) => [testCase.name, testCase] as const))("%s", async (_, testCase) => {
    const inputs = upload(cpu, inputsOf(testCase), testCase.shapes);
    const weights = cpu.tensor(random(3).normals(testCase.run(inputs).size));
    // The square lets the gradients of linear operations depend on their inputs.
    const loss = (given: Inputs): Tensor => {
      const y = ops.reshape(testCase.run(given), [-1]);
      return ops.sum(ops.multiply(ops.multiply(y, ops.add(y, 1)), weights));
    };
    const report = await gradcheck(squaredGradient(loss), inputs, { directions: 1, tolerance: 1e-6 });
    expect(report.worst).toMatchObject({ passed: true });
    expect(report.directions.some(({ analytic }) => analytic !== 0)).toBe(true);
  });
});

/** Inputs of attention with whatever else the kernel takes. */
function attentionInputs(
  kernel: AttentionKernel,
): Inputs & { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } {
  const source = random(5);
  const sizes = { batch: 1, heads: 2, queries: 3, keys: 3, dim: 4 };
  const draw = (shape: readonly number[]): Tensor =>
    cpu.tensor(
      source.normals(shape.reduce((a, b) => a * b, 1)).map((x) => x / 2),
      shape,
    );
  const more = (kernel.inputs ?? []).map(({ name, shape }) => [name, draw(shape(sizes))] as const);
  return { q: draw([1, 2, 3, 4]), k: draw([1, 2, 3, 4]), v: draw([1, 2, 3, 4]), ...Object.fromEntries(more) };
}

describe("second derivatives through attention", () => {
  it.each(Object.entries(kernels))("%s: right, or an error that says there are none", async (_, make) => {
    const kernel = make();
    const inputs = attentionInputs(kernel);
    const loss = (given: Inputs): Tensor => ops.sum(ops.square(attention(kernel, { ...inputs, ...given })));
    const outer = squaredGradient(loss);
    let refused: unknown;
    try {
      valueAndGrad(outer, inputs);
    } catch (error) {
      refused = error;
    }
    if (refused === undefined)
      expect((await gradcheck(outer, inputs, { directions: 1, tolerance: 1e-6 })).worst).toMatchObject({
        passed: true,
      });
    else expect(() => valueAndGrad(outer, inputs)).toThrow(/^attentionBackward: .*Second derivatives/);
    expect(refused === undefined || refused instanceof UnsupportedError).toBe(true);
  });

  it("linear, which is composed of other operations, has them", () => {
    const kernel = kernels["linear"]();
    const inputs = attentionInputs(kernel);
    expect(() =>
      valueAndGrad(
        squaredGradient((given) => ops.sum(ops.square(attention(kernel, { ...inputs, ...given })))),
        inputs,
      ),
    ).not.toThrow();
  });

  it.each(["q", "k", "v"] as const)("are refused where %s alone is wanted", (name) => {
    const inputs = attentionInputs(softmax());
    const loss = (given: Inputs): Tensor => ops.sum(ops.square(attention(softmax(), { ...inputs, ...given })));
    expect(() => valueAndGrad(squaredGradient(loss), { [name]: inputs[name] })).toThrow(UnsupportedError);
  });
});

it("a loss on the statistic of attention is refused, beside the output too", () => {
  const inputs = attentionInputs(softmax());
  const loss = (isBeside: boolean) => (given: Inputs) => {
    const { output, statistic } = attentionWithStatistic(softmax(), { ...inputs, ...given });
    return isBeside ? ops.add(ops.sum(output), ops.sum(statistic)) : ops.sum(statistic);
  };
  for (const isBeside of [false, true])
    expect(() => valueAndGrad(loss(isBeside), { q: inputs.q })).toThrow(/attention: .*statistic/);
});

describe("what a tape holds", () => {
  it("does not change with the arrays of the caller", async () => {
    const x = cpu.tensor([1, 2, 3, 4, 5, 6], [1, 2, 3]);
    const scales = cpu.tensor([1, 10, 100, 1000, 10000, 100000], [3, 1, 2]);
    const { gradients } = valueAndGrad(
      (p) => {
        const order = [2, 0, 1];
        const permuted = ops.permute(p.x, order);
        order.reverse();
        const parts = [permuted, permuted];
        const both = ops.concat(parts, 0);
        parts.length = 0;
        const shape = [2, 6, 1, 2];
        const wide = ops.expand(both, shape);
        shape.fill(1);
        return ops.sum(ops.multiply(wide, ops.concat([scales, scales], 0)));
      },
      { x },
    );
    // Each number stands four times beside its scale: element (j, i) of x is element (i, 0, j) of the permuted tensor.
    expect(await gradients.x.read()).toEqual(Float64Array.of(4, 400, 40000, 40, 4000, 400000));
  });

  it("a tensor's shape is its own", () => {
    const shape = [2, 3];
    const x = cpu.full(1, shape);
    shape[0] = 7;
    expect(x.shape).toEqual([2, 3]);
    expect(Object.isFrozen(x.shape)).toBe(true);
  });
});
