import { valueAndGrad } from "../autograd/grad.js";
import { multiply, square, subtract, sum } from "../autograd/ops.js";
import { cpu } from "../cpu/cpu.js";
import type { Tensor } from "../core/tensor.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { gradientDescent } from "../nn/optimizers.js";
import { singleLayer } from "../nn/single-layer.js";
import { mergeParameters, splitParameters } from "../nn/split.js";
import type { WeightName } from "./problem.js";

type Matrices = readonly (readonly (readonly number[])[])[];

/** A problem of the theory whose samples all have the same number of tokens. */
export interface DescentProblem {
  /** N samples [n, D]. */
  readonly inputs: Matrices;
  /** N samples [n, d_o]. */
  readonly targets: Matrices;
  readonly weights: Readonly<Record<WeightName, Matrices>>;
}

export interface DescentOptions {
  readonly stepSize: number;
  /** Most steps. */
  readonly steps: number;
  /** Stops when the loss has fallen to this share of the first loss. Default 0. */
  readonly tolerance?: number;
  /** Called with every loss and the number of steps before it. */
  readonly follow?: (loss: number, step: number, isLast: boolean) => Promise<void>;
}

const tensor = (data: Matrices): Tensor => cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);

/**
 * Gradient descent on f = ½ Σ_i ‖Ŷ_i - Y_i‖² with this library's layer and gradients, in float64. Returns f
 * before every step and after the last.
 *
 * Stops early at the tolerance, or when f is not finite.
 */
export async function descend(
  { inputs, targets, weights }: DescentProblem,
  kernel: AttentionKernel,
  trainable: readonly WeightName[],
  { stepSize, steps, tolerance = 0, follow }: DescentOptions,
): Promise<number[]> {
  const [keyWidth, valueWidth] = [weights.query[0][0].length, weights.value[0][0].length];
  const model = singleLayer({
    kernel,
    heads: weights.query.length,
    width: inputs[0][0].length,
    keyWidth,
    valueWidth,
    outputWidth: targets[0][0].length,
  });
  const parameters = {
    query: tensor(weights.query),
    key: tensor(weights.key),
    value: tensor(weights.value),
    output: tensor(weights.output),
  };
  const [x, y] = [tensor(inputs), tensor(targets)];
  const { trained, frozen } = splitParameters(parameters, ([name]) => trainable.includes(name as WeightName));
  const optimizer = gradientDescent({ stepSize });
  const losses: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const value = cpu.scope(() => {
      const result = valueAndGrad(
        (moving) => multiply(sum(square(subtract(model.apply(mergeParameters(moving, frozen), x), y))), 0.5),
        trained,
      );
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
