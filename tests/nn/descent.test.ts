import { it } from "vitest";
import {
  cpu,
  indices,
  ops,
  random,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Backend,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { encoder, sgd } from "../../src/nn/index.js";
import { draws, expectAsExactAsFloat32, type Results } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

const [batch, tokens, vocabulary, classes, heads, width, steps] = [4, 6, 11, 3, 2, 8, 5];

/** A kernel without parameters of its own but the scale, as plain operations. */
function unfused({ shaders: _, ...kernel }: TiledKernel): AttentionKernel {
  return {
    ...kernel,
    compose: ({ q, ...rest }) =>
      unfusedAttention(kernel.name, { scale: q.backend.full((width / heads) ** -0.5, [1]), q, ...rest }),
  };
}

/** The losses of an encoder over steps of descent, and the logits that it ends with. */
async function train(backend: Backend, kernel: AttentionKernel, seed: number): Promise<Results> {
  const model = encoder({ kernel, vocabulary, classes, tokens, width, hidden: 16, heads, layers: 2 });
  const parameters = model.initialize(backend, random(seed));
  const optimizer = sgd({ learningRate: 0.05 });
  const source = random(-seed);
  const ids = indices(
    Array.from({ length: batch * tokens }, () => source.integer(vocabulary)),
    [batch, tokens],
  );
  const labels = indices(Array.from({ length: batch }, (_, row) => ids.values[row * tokens] % classes));
  const losses: Tensor[] = [];
  for (let step = 0; step < steps; step++) {
    const { value, gradients } = valueAndGrad((p) => ops.crossEntropy(model.apply(p, ids), labels), parameters);
    backend.scope(() => optimizer.step(parameters, gradients));
    losses.push(value);
  }
  const read = await Promise.all(losses.map((loss) => loss.read()));
  return { losses: read.map(([loss]) => loss), output: await backend.scope(() => model.apply(parameters, ids)).read() };
}

describeGpu("an encoder on the GPU", (gpu) => {
  it("learns by the same steps as float32", async () => {
    const kernel = softmax();
    const on = (backend: Backend, own: AttentionKernel) => draws(6, 1, (seed) => train(backend, own, seed));
    expectAsExactAsFloat32(await on(gpu(), kernel), await on(naiveFloat32, unfused(kernel)), await on(cpu, kernel));
  });
});
