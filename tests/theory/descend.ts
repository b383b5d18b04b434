import { valueAndGrad } from "../../src/autograd/grad.js";
import { multiply, square, subtract, sum } from "../../src/autograd/ops.js";
import { cpu } from "../../src/cpu/cpu.js";
import type { AttentionKernel, TiledKernel } from "../../src/kernels/kernel.js";
import { gradientDescent } from "../../src/nn/optimizers.js";
import { singleLayer } from "../../src/nn/single-layer.js";
import { merge, split } from "../../src/nn/split.js";
import { linearize } from "../../src/theory/linearization.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { random } from "../../src/core/random.js";
import { randomProblem, type Problem, type Sizes } from "./support.js";

/** Plain gradient descent with the library's own layer, attention and gradients: f_0, f_1, ... until `stop`, or `steps` steps. */
export async function descend(
  problem: Problem,
  kernel: AttentionKernel,
  trainable: readonly WeightName[],
  { stepSize, steps, stop = 0 }: { stepSize: number; steps: number; stop?: number },
): Promise<number[]> {
  const { inputs, targets, weights } = problem;
  const tensor = (data: number[][][]) => cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);
  const parameters = { query: tensor(weights.query), key: tensor(weights.key), value: tensor(weights.value), output: tensor(weights.output) };
  const model = singleLayer({ kernel, heads: weights.query.length, width: inputs[0][0].length, outputWidth: targets[0][0].length });
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
    losses.push((await value.read())[0]);
    if (losses[step] <= stop) break;
  }
  return losses;
}

/** Two samples of two tokens and so many heads that any one of the weights can fit them, with Jacobians of moderate condition. */
export const small: Sizes = { tokens: [2, 2], width: 12, heads: 8, keyWidth: 6, valueWidth: 4, outputWidth: 1 };

/** A random problem whose targets lie `distance` away from the outputs, in a random direction. */
export function nearbyProblem(seed: number, kernel: TiledKernel, distance: number, sizes: Sizes = small): Problem {
  const problem = randomProblem(seed, sizes);
  const zero = { ...problem, targets: problem.targets.map((rows) => rows.map((row) => row.map(() => 0))) };
  const outputs = linearize(checkProblem(zero), kernel, new Set(["value"])).residual;
  const direction = random(seed + 1).normals(outputs.length);
  const length = Math.hypot(...direction);
  let index = 0;
  const targets = problem.targets.map((rows) =>
    rows.map((row) => row.map(() => outputs[index] + (distance * direction[index++]) / length)),
  );
  return { ...problem, targets };
}
