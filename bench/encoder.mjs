// The encoder whose training step is timed, in this library and in others.
import { cpu, indices, ops, random, softmax, valueAndGrad } from "../dist/index.js";
import { adam, encoder } from "../dist/nn/index.js";

export const encoderOptions = { vocabulary: 256, classes: 2, tokens: 256, width: 64, hidden: 128, heads: 2, layers: 2 };
export const BATCH = 16;

/**
 * The problem as plain numbers, from which every library can start: parameters as { data, shape } in the tree of their
 * names.
 */
export async function encoderProblem() {
  const generator = random(2);
  const read = async (value) => {
    if (value.read) return { data: Float32Array.from(await value.read()), shape: value.shape };
    if (Array.isArray(value)) return Promise.all(value.map(read));
    return Object.fromEntries(
      await Promise.all(Object.entries(value).map(async ([name, item]) => [name, await read(item)])),
    );
  };
  const start = await read(encoder({ kernel: softmax(), ...encoderOptions }).initialize(cpu, generator));
  const whole = (count, below) => Int32Array.from({ length: count }, () => Math.floor(generator.uniform() * below));
  const ids = {
    data: whole(BATCH * encoderOptions.tokens, encoderOptions.vocabulary),
    shape: [BATCH, encoderOptions.tokens],
  };
  const labels = { data: whole(BATCH, encoderOptions.classes), shape: [BATCH] };
  return { options: encoderOptions, start, ids, labels, learningRate: 1e-3 };
}

/** Model, parameters, optimiser and loss of the problem on a backend. */
export function encoderTraining(backend, { options, start, ids, labels, learningRate }) {
  const model = encoder({ kernel: softmax(), ...options });
  const tensors = (value) => {
    if (value.data) return backend.tensor(value.data, value.shape);
    if (Array.isArray(value)) return value.map(tensors);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, tensors(item)]));
  };
  const [tokens, classes] = [indices(ids.data, ids.shape), indices(labels.data, labels.shape)];
  return {
    model,
    parameters: tensors(start),
    optimizer: adam({ learningRate }),
    loss: (parameters) => ops.mean(ops.crossEntropy(model.apply(parameters, tokens), classes)),
  };
}

/** The training step on a backend; changes the parameters and returns the loss before the step. */
export function encoderStep(backend, problem) {
  const { parameters, optimizer, loss } = encoderTraining(backend, problem);
  return () =>
    backend.scope(() => {
      const { value, gradients } = valueAndGrad(loss, parameters);
      optimizer.step(parameters, gradients);
      return value;
    });
}
