export async function open({ q, k, v, shape, load }) {
  const tf = await load("@tensorflow/tfjs");
  await load("@tensorflow/tfjs-backend-webgpu");
  await tf.setBackend("webgpu");
  const inputs = [q, k, v].map((data) => tf.tensor(data, shape));
  const scale = tf.scalar(1 / Math.sqrt(shape[3]));
  const hidden = tf.tidy(() => tf.mul(tf.sub(tf.linalg.bandPart(tf.ones([shape[2], shape[2]]), -1, 0), 1), 1e9));
  const attend = (a, b, c, mask) => {
    const scores = tf.mul(tf.matMul(a, b, false, true), scale);
    return tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), c);
  };
  const read = async (tensors) => {
    const numbers = await Promise.all(tensors.map((tensor) => tensor.data()));
    for (const tensor of tensors) tensor.dispose();
    return numbers;
  };
  const gradient = tf.grads((a, b, c) => tf.sum(tf.mul(attend(a, b, c), c)));
  return {
    forward: () => read([tf.tidy(() => attend(...inputs))]),
    causal: () => read([tf.tidy(() => attend(...inputs, hidden))]),
    forwardBackward: () => read(tf.tidy(() => gradient(inputs))),
  };
}
