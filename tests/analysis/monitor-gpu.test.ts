import { expect, it } from "vitest";
import { cpu, gaussian, ops, random, valueAndGrad, type Backend } from "../../src/index.js";
import { observeTraining, type HeadRecord, type TrainingRecord } from "../../src/analysis/index.js";
import { encoder, gradientDescent } from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";
import { sequences } from "../support/watched-training.js";

const [n, width, heads] = [6, 8, 2];

describeGpu("a monitor on a GPU", (gpu) => {
  const compare = (measured: unknown, expected: unknown, path: string): void => {
    if (typeof expected === "number" && Number.isFinite(expected)) {
      const tolerance = /condition|smallest|Value/.test(path) ? 1e-2 : 2e-3;
      const far = Math.abs(Number(measured) - expected);
      if (!(far <= tolerance * Math.abs(expected) + 1e-5)) expect.fail(`${path}: ${String(measured)} for ${expected}`);
    } else if (typeof expected === "object" && expected !== null)
      for (const [name, own] of Object.entries(expected)) compare((measured as never)[name], own, `${path}.${name}`);
    else expect(measured, path).toEqual(expected);
  };

  it("agrees with the CPU", async () => {
    const kernel = gaussian();
    const { ids, labels } = sequences(3, 4, n);
    const model = encoder({ kernel, vocabulary: 6, classes: 2, tokens: n, width, hidden: 8, heads, layers: 1 });
    const recordOf = async (backend: Backend): Promise<TrainingRecord> => {
      const parameters = model.initialize(backend, random(1));
      const monitor = observeTraining(model, { probe: ids, every: 1 });
      await monitor.step({ step: 0, parameters });
      const { gradients } = valueAndGrad((own) => ops.crossEntropy(model.apply(own, ids), labels), parameters);
      gradientDescent({ stepSize: 0.1 }).step(parameters, gradients);
      return (await monitor.step({ step: 1, parameters, gradients }))!;
    };
    const expected = await recordOf(cpu);
    compare(await recordOf(gpu()), expected, "record");
    expect(expected.layers.flatMap(({ heads: own }) => own.map(({ rank }: HeadRecord) => rank))).toEqual([n, n]);
  });
});
