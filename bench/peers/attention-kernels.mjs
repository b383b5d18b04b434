import { attention, causal, cpu, ops, requestGpu, softmax, valueAndGrad } from "../../dist/index.js";
import { encoderStep } from "../encoder.mjs";
import { warmUpCalls } from "../timing.mjs";

export async function open({ device }) {
  const backend = device === "cpu" ? cpu : await requestGpu();
  const readAll = async (tensors) => {
    const numbers = await Promise.all(tensors.map((tensor) => tensor.read()));
    for (const tensor of tensors) tensor.dispose();
    return numbers;
  };
  return {
    async attention({ q, k, v, shape }) {
      const inputs = { q: backend.tensor(q, shape), k: backend.tensor(k, shape), v: backend.tensor(v, shape) };
      const tasks = {
        forward: () => readAll([attention(softmax(), inputs)]),
        causal: () => readAll([attention(softmax(), inputs, { mask: causal() })]),
        forwardBackward: () => {
          const { value, gradients } = valueAndGrad((p) => ops.sum(ops.multiply(attention(softmax(), p), p.v)), inputs);
          value.dispose();
          return readAll([gradients.q, gradients.k, gradients.v]);
        },
      };
      const [batch, heads, n] = shape;
      const calls = device === "cpu" ? 1 : warmUpCalls({ batch, heads, n });
      for (let call = 0; call < calls; call++) await tasks.forwardBackward();
      return tasks;
    },
    encoder(problem) {
      const step = encoderStep(backend, problem);
      return { step: () => readAll([step()]) };
    },
  };
}
