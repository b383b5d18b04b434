import { adam, attention, causal, encoder, indices, ops, requestGpu, softmax, valueAndGrad } from "../../dist/index.js";

const tree = (value, leaf) =>
  value.data ? leaf(value) : Array.isArray(value) ? value.map((item) => tree(item, leaf)) : Object.fromEntries(Object.entries(value).map(([name, item]) => [name, tree(item, leaf)]));

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
    encoder({ options, start, ids, labels, learningRate }) {
      const model = encoder({ kernel: softmax(), ...options });
      const parameters = tree(start, ({ data, shape }) => gpu.tensor(data, shape));
      const [tokens, classes] = [indices(ids.data, ids.shape), indices(labels.data, labels.shape)];
      const optimizer = adam({ learningRate });
      const step = () =>
        gpu.scope(() => {
          const { value, gradients } = valueAndGrad((p) => ops.mean(ops.crossEntropy(model.apply(p, tokens), classes)), parameters);
          optimizer.step(parameters, gradients);
          return value;
        });
      return { step: () => readAll([step()]) };
    },
  };
}
