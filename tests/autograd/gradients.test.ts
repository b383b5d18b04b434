import { describe, expect, it } from "vitest";
import { unaryPrimitive } from "../../src/autograd/arithmetic.js";
import { apply } from "../../src/autograd/tape.js";
import { createCpu } from "../../src/cpu/backend.js";
import { float64 } from "../../src/cpu/cpu.js";
import { cpu, gradcheck, ops, random, valueAndGrad, type Tensor } from "../../src/index.js";
import { cases, inputsOf, upload } from "../support/cases.js";

describe("derivatives of every operation, against central differences in float64", () => {
  it.each(cases.map((testCase) => [testCase.name, testCase] as const))("%s", async (_, testCase) => {
    const inputs = upload(cpu, inputsOf(testCase), testCase.shapes);
    const weights = cpu.tensor(random(3).normals(testCase.run(inputs).size));
    const loss = (parameters: typeof inputs): Tensor =>
      ops.sum(ops.multiply(ops.reshape(testCase.run(parameters), [-1]), weights));
    const report = await gradcheck(loss, inputs);
    expect(report.worst).toMatchObject({ passed: true });
    expect(report.passed).toBe(true);
    expect(report.directions).toHaveLength(3 * Object.keys(inputs).length);
  });

  it("a flipped sign is found, and the parameter named", async () => {
    const flipped: typeof unaryPrimitive = {
      ...unaryPrimitive,
      vjp: ({ outputs }, dy) => [ops.multiply(dy!, ops.add(ops.square(outputs[0]), -1))],
    };
    const backend = createCpu(
      "float64",
      (size) => new Float64Array(size),
      new Map([...float64, [flipped, float64.get(unaryPrimitive)!]]),
    );
    const wrong = (x: Tensor): Tensor => apply(flipped, [x], { function: "tanh", a: 0, b: 0 })[0];
    const parameters = { right: backend.tensor([0.3, -0.4]), wrong: backend.tensor([0.5, 0.1]) };
    const report = await gradcheck((p) => ops.add(ops.sum(ops.tanh(p.right)), ops.sum(wrong(p.wrong))), parameters);
    expect(report.passed).toBe(false);
    expect(report.worst.parameter).toBe("wrong");
    expect(report.directions.filter(({ passed }) => passed).map(({ parameter }) => parameter)).toEqual([
      "right",
      "right",
      "right",
    ]);
  });
});

describe("valueAndGrad", () => {
  it("returns gradients in the tree of the parameters, zeros for unused ones", async () => {
    const parameters = { a: cpu.tensor([1, 2]), nested: [cpu.tensor([3]), { unused: cpu.tensor([4, 5, 6]) }] as const };
    const { value, gradients } = valueAndGrad(
      (p) => ops.multiply(ops.sum(ops.square(p.a)), ops.sum(p.nested[0])),
      parameters,
    );
    expect(await value.read()).toEqual(Float64Array.of(15));
    expect(await gradients.a.read()).toEqual(Float64Array.of(6, 12));
    expect(await gradients.nested[0].read()).toEqual(Float64Array.of(5));
    expect(await gradients.nested[1].unused.read()).toEqual(new Float64Array(3));
  });

  it("adds up what flows into a tensor along several ways", async () => {
    const { gradients } = valueAndGrad(({ x }) => ops.sum(ops.add(ops.multiply(x, x), ops.multiply(x, 3))), {
      x: cpu.tensor([2]),
    });
    expect(await gradients.x.read()).toEqual(Float64Array.of(7));
  });

  it("frees what going backward has used, and neither what was kept nor what is used again", async () => {
    let kept: Tensor | undefined;
    let spent: Tensor | undefined;
    const x = cpu.tensor([2, 3]);
    const { gradients } = valueAndGrad(
      (p) => {
        kept = cpu.keep(ops.square(p.x));
        spent = ops.multiply(kept, kept);
        return ops.sum(ops.add(spent, ops.multiply(spent, kept)));
      },
      { x },
    );
    // x⁴ + x⁶
    expect(await gradients.x.read()).toEqual(Float64Array.of(4 * 8 + 6 * 32, 4 * 27 + 6 * 243));
    expect(await kept?.read()).toEqual(Float64Array.of(4, 9));
    expect(spent?.disposed).toBe(true);
    expect(x.disposed).toBe(false);
  });

  it("nests: the derivative of a derivative", async () => {
    const cube = (p: { x: Tensor }): Tensor => ops.sum(ops.power(p.x, 3));
    const { gradients } = valueAndGrad((p) => ops.sum(valueAndGrad(cube, p).gradients.x), { x: cpu.tensor([2]) });
    expect((await gradients.x.read())[0]).toBeCloseTo(12, 12);
  });

  it("refuses a loss that is not one number, and parameters without tensors", () => {
    expect(() => valueAndGrad(({ x }) => x, { x: cpu.tensor([1, 2]) })).toThrow(/loss: wanted one number, got \[2\]/);
    expect(() => valueAndGrad(() => cpu.tensor([1]), {})).toThrow(/at least one tensor/);
  });
});
