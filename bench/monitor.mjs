// npm run bench:monitor: what a monitor of the training of an encoder costs, on the CPU and on the adapter.
import { Command } from "commander";
import { observeTraining } from "../dist/analysis/index.js";
import { cpu, indices, requestGpu, valueAndGrad } from "../dist/index.js";
import { BATCH, encoderOptions, encoderProblem, encoderTraining } from "./encoder.mjs";
import { median } from "./timing.mjs";

const { runs, probe } = new Command("npm run bench:monitor --")
  .description("Times steps of training with and without a record of the monitor, in turn.")
  .option("--runs <count>", "pairs of steps to take the median of", Number, 9)
  .option("--probe <sequences>", "sequences that the monitor looks at", Number, 4)
  .parse()
  .opts();

/** Steps between two records. */
const EVERY = 50;

const problem = await encoderProblem();

async function measure(backend) {
  const { model, parameters, optimizer, loss } = encoderTraining(backend, problem);
  const { tokens } = encoderOptions;
  const own = indices(problem.ids.data.slice(0, probe * tokens), [probe, tokens]);
  const monitor = observeTraining(model, { every: EVERY, probe: own });
  /** One step of training that the monitor takes as step `step`; milliseconds. */
  const time = async (step) => {
    const begin = performance.now();
    const { value, gradients } = backend.scope(() => {
      const result = valueAndGrad(loss, parameters);
      optimizer.step(parameters, result.gradients);
      return result;
    });
    const [number] = await value.read();
    await monitor.step({ step, parameters, gradients, loss: number });
    for (const tensor of [value, ...Object.values(gradients).flat(Infinity)]) tensor.dispose?.();
    return performance.now() - begin;
  };
  for (const step of [EVERY - 1, EVERY, 1]) await time(step); // compiles
  const [plain, watched] = [[], []];
  for (let run = 2; run < runs + 2; run++) {
    plain.push(await time(1));
    await time(run * EVERY - 1); // keeps a copy of the parameters
    watched.push(await time(run * EVERY));
  }
  const [step, record] = [median(plain), median(watched)];
  const share = (100 * (record - step)) / (EVERY * step);
  console.log(
    `${backend.name === "cpu" ? "cpu" : backend.device.name}: batch ${BATCH}, n = ${encoderOptions.tokens}, a step ` +
      `${step.toFixed(0)} ms, with a record ${record.toFixed(0)} ms: ${share.toFixed(2)} % at k = ${EVERY}; ` +
      `medians of ${runs} steps of each kind, in turn`,
  );
}

await measure(cpu);
const gpu = await requestGpu();
await measure(gpu);
gpu.dispose();
