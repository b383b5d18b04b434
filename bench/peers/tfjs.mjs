// √(2/π) and the cubic coefficient of gelu's approximation by tanh (Hendrycks & Gimpel, arXiv 1606.08415).
const [GELU, CUBIC] = [Math.sqrt(2 / Math.PI), 0.044715];
const EPSILON = 1e-5;

export async function open({ device, load, folderOf }) {
  const tf = await load("@tensorflow/tfjs");
  const backend = await load(`@tensorflow/tfjs-backend-${device}`);
  if (device === "wasm") backend.setWasmPaths(folderOf("@tensorflow/tfjs-backend-wasm"));
  if (!(await tf.setBackend(device))) throw new Error(`tfjs: no backend ${device}`);
  const attend = (a, b, c, mask) => {
    const scores = tf.mul(tf.matMul(a, b, false, true), 1 / Math.sqrt(a.shape[3]));
    return tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), c);
  };
  const read = async (tensors) => {
    const numbers = await Promise.all(tensors.map((tensor) => tensor.data()));
    for (const tensor of tensors) tensor.dispose();
    return numbers;
  };
  return {
    attention({ q, k, v, shape }) {
      const inputs = [q, k, v].map((data) => tf.tensor(data, shape));
      const hidden = tf.tidy(() => tf.mul(tf.sub(tf.linalg.bandPart(tf.ones([shape[2], shape[2]]), -1, 0), 1), 1e9));
      const gradient = tf.grads((a, b, c) => tf.sum(tf.mul(attend(a, b, c), c)));
      return {
        forward: () => read([tf.tidy(() => attend(...inputs))]),
        causal: () => read([tf.tidy(() => attend(...inputs, hidden))]),
        forwardBackward: () => read(tf.tidy(() => gradient(inputs))),
      };
    },
    encoder({ options: { width, heads, tokens, classes }, start, ids, labels, learningRate }) {
      const variables = (value) =>
        value.data
          ? tf.variable(tf.tensor(value.data, value.shape))
          : Array.isArray(value)
            ? value.map(variables)
            : Object.fromEntries(Object.entries(value).map(([name, item]) => [name, variables(item)]));
      const parameters = variables(start);
      const [words, targets] = [
        tf.tensor(ids.data, ids.shape, "int32"),
        tf.oneHot(tf.tensor(labels.data, labels.shape, "int32"), classes),
      ];
      const rows = ids.shape[0];
      const dense = (x, weight) =>
        tf.reshape(tf.matMul(tf.reshape(x, [-1, weight.shape[0]]), weight), [...x.shape.slice(0, -1), weight.shape[1]]);
      const linear = (x, { weight, bias }) => tf.add(dense(x, weight), bias);
      const norm = (x, { scale, shift }) => {
        const { mean, variance } = tf.moments(x, -1, true);
        return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, EPSILON))), scale), shift);
      };
      const gelu = (x) =>
        tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), CUBIC)), GELU)), 1));
      const split = (x) => tf.transpose(tf.reshape(x, [rows, tokens, heads, width / heads]), [0, 2, 1, 3]);
      const multiHead = (x, { query, key, value, output }) => {
        const mixed = attend(split(dense(x, query)), split(dense(x, key)), split(dense(x, value)));
        return dense(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), x.shape), output);
      };
      const loss = () => {
        let x = tf.add(tf.gather(parameters.embedding, words), parameters.positions);
        for (const layer of parameters.layers) {
          x = tf.add(x, multiHead(norm(x, layer.attentionNorm), layer.attention));
          x = tf.add(x, linear(gelu(linear(norm(x, layer.feedForwardNorm), layer.expand)), layer.contract));
        }
        const logits = linear(tf.mean(norm(x, parameters.norm), 1), parameters.classifier);
        return tf.losses.softmaxCrossEntropy(targets, logits);
      };
      const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
      return { step: () => read([tf.tidy(() => optimizer.minimize(loss, true))]) };
    },
  };
}
