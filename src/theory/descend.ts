import { valueAndGrad } from "../autograd/grad.js";
import { multiply, square, subtract, sum } from "../autograd/ops.js";
import { cpu } from "../cpu/cpu.js";
import type { Tensor } from "../core/tensor.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { gradientDescent } from "../nn/optimizers.js";
import { singleLayer } from "../nn/single-layer.js";
import { mergeParameters, splitParameters } from "../nn/split.js";
import type { WeightName } from "./problem.js";

/** Matrices as nested arrays, [count][rows][columns]. */
export type NestedMatrices = readonly (readonly (readonly number[])[])[];

/** The weights as numbers: [H][rows][columns] by name. */
export type NestedWeights = Readonly<Record<WeightName, NestedMatrices>>;

/** A problem of the theory whose samples all have the same number of tokens. */
export interface DescentProblem {
  /** N samples [n, D]. */
  readonly inputs: NestedMatrices;
  /** N samples [n, d_o]. */
  readonly targets: NestedMatrices;
  readonly weights: NestedWeights;
}

export interface DescentOptions {
  readonly stepSize: number;
  /** Most steps. */
  readonly steps: number;
  /** Stops when the loss has fallen to this share of the first loss. Default 0. */
  readonly tolerance?: number;
  /** Called with every loss and the number of steps before it. */
  readonly follow?: (loss: number, step: number, isLast: boolean) => Promise<void>;
  /** Called before every step with a way to read the weights. The descent ends at this step if it returns true. */
  readonly inspect?: (step: number, read: () => Promise<NestedWeights>) => Promise<boolean>;
}

const tensor = (data: NestedMatrices): Tensor =>
  cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);

async function nested(weights: Tensor): Promise<number[][][]> {
  const numbers = Array.from(await weights.read());
  const [, rows, columns] = weights.shape;
  const matrix = (start: number): number[][] =>
    Array.from({ length: rows }, (_, row) => numbers.slice(start + row * columns, start + (row + 1) * columns));
  return Array.from({ length: weights.shape[0] }, (_, head) => matrix(head * rows * columns));
}

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
  { stepSize, steps, tolerance = 0, follow, inspect }: DescentOptions,
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
  const read = async (): Promise<NestedWeights> => {
    const { query, key, value, output } = mergeParameters(trained, frozen);
    return {
      query: await nested(query),
      key: await nested(key),
      value: await nested(value),
      output: await nested(output),
    };
  };
  for (let step = 0; step <= steps; step++) {
    const enough = (await inspect?.(step, read)) === true;
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
    const isLast = enough || step === steps || !Number.isFinite(loss) || loss <= tolerance * losses[0];
    await follow?.(loss, step, isLast);
    if (isLast) break;
  }
  return losses;
}
