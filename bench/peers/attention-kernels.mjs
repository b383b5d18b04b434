import { attention, causal, ops, requestGpu, softmax, valueAndGrad } from "../../dist/index.js";
import { encoderStep } from "../encoder.mjs";

export async function open() {
  const gpu = await requestGpu();
  const readAll = async (tensors) => {
    const numbers = await Promise.all(tensors.map((tensor) => tensor.read()));
    for (const tensor of tensors) tensor.dispose();
    return numbers;
  };
  return {
    attention({ q, k, v, shape }) {
      const inputs = { q: gpu.tensor(q, shape), k: gpu.tensor(k, shape), v: gpu.tensor(v, shape) };
      return {
        forward: () => readAll([attention(softmax(), inputs)]),
        causal: () => readAll([attention(softmax(), inputs, { mask: causal() })]),
        forwardBackward: () => {
          const { value, gradients } = valueAndGrad((p) => ops.sum(ops.multiply(attention(softmax(), p), p.v)), inputs);
          value.dispose();
          return readAll([gradients.q, gradients.k, gradients.v]);
        },
      };
    },
    encoder(problem) {
      const step = encoderStep(gpu, problem);
      return { step: () => readAll([step()]) };
    },
  };
}
