import { checkConvergence, kernels } from "attention-kernels";
import { certifyPath, lossCurve } from "attention-kernels/theory";
import { problemOf, stepSizeOf } from "./problem.js";

/** Trains one kernel by plain gradient descent, and judges it before and on the way. */
export async function descent({ kernel: name, trainable, stepShare, steps, ...settings }, follow) {
  const problem = problemOf(settings);
  const kernel = kernels[name]();
  const stepSize = stepSizeOf(problem, { kernel, trainable, stepShare });
  const report = checkConvergence(problem, { kernel, trainable, stepSize });
  const curve = lossCurve(problem, { kernel, trainable, stepSize });
  await follow?.({ report, stepSize, curve });
  const path = await certifyPath(problem, {
    kernel,
    trainable,
    stepSize,
    steps,
    tolerance: 1e-6,
    follow: async (loss, step, isLast) => follow?.({ loss, step, isLast }),
  });
  return { report, stepSize, curve, path };
}
