import { valueAndGrad } from "../autograd/grad.js";
import { multiply, square, subtract, sum } from "../autograd/ops.js";
import { cpu } from "../cpu/cpu.js";
import type { Tensor } from "../core/tensor.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { gradientDescent } from "../nn/optimizers.js";
import { singleLayer } from "../nn/single-layer.js";
import { merge, split } from "../nn/split.js";
import type { WeightName } from "./problem.js";

type Matrices = readonly (readonly (readonly number[])[])[];

/** A problem of the theory whose samples have one length. */
export interface DescentProblem {
  /** N samples [n, D]. */
  readonly inputs: Matrices;
  /** N samples [n, d_o]. */
  readonly targets: Matrices;
  readonly weights: Readonly<Record<WeightName, Matrices>>;
}

export interface DescentOptions {
  readonly stepSize: number;
  /** At most. */
  readonly steps: number;
  /** Share of the first loss at which it ends. Default 0. */
  readonly tolerance?: number;
  /** Hears of every loss, by the steps before it. */
  readonly follow?: (loss: number, step: number, isLast: boolean) => Promise<void>;
}

const tensor = (data: Matrices): Tensor => cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);

/**
 * Gradient descent on f = ½ Σ_i ‖Ŷ_i - Y_i‖² by the library's own layer and gradients, in float64: f before every step and after the last.
 *
 * It ends early at the tolerance, and where f is no longer finite.
 */
export async function descend(
  { inputs, targets, weights }: DescentProblem,
  kernel: AttentionKernel,
  trainable: readonly WeightName[],
  { stepSize, steps, tolerance = 0, follow }: DescentOptions,
): Promise<number[]> {
  const [keyWidth, valueWidth] = [weights.query[0][0].length, weights.value[0][0].length];
  const model = singleLayer({ kernel, heads: weights.query.length, width: inputs[0][0].length, keyWidth, valueWidth, outputWidth: targets[0][0].length });
  const parameters = { query: tensor(weights.query), key: tensor(weights.key), value: tensor(weights.value), output: tensor(weights.output) };
  const [x, y] = [tensor(inputs), tensor(targets)];
  const { trained, frozen } = split(parameters, ([name]) => trainable.includes(name as WeightName));
  const optimizer = gradientDescent({ stepSize });
  const losses: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const value = cpu.scope(() => {
      const result = valueAndGrad((moving) => multiply(sum(square(subtract(model.apply(merge(moving, frozen), x), y))), 0.5), trained);
      optimizer.step(trained, result.gradients);
      return result.value;
    });
    const [loss] = await value.read();
    value.dispose();
    losses.push(loss);
    const isLast = step === steps || !Number.isFinite(loss) || loss <= tolerance * losses[0];
    await follow?.(loss, step, isLast);
    if (isLast) break;
  }
  return losses;
}
