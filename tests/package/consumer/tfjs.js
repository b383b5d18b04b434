import * as tf from "@tensorflow/tfjs-core";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { attention, cpu, softmax, wrapDevice } from "attention-kernels";

/**
 * On one device with TensorFlow.js: its tensors go into attention and the output back into one of its operations,
 * without a copy by this library. Gives the result, and the same by the CPU backend and by TensorFlow.js alone.
 */
globalThis.run = async () => {
  const shape = [2, 3, 5, 4];
  const adapter = await globalThis.navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  tf.removeBackend("webgpu"); // it would make a device of its own
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapter.info));
  await tf.setBackend("webgpu");
  const gpu = wrapDevice(device);

  const theirs = [1, 2, 3].map((seed) => tf.tanh(tf.randomNormal(shape, 0, 1, "float32", seed)));
  const lent = theirs.map((tensor) => tensor.dataToGPU());
  const [q, k, v] = lent.map(({ buffer }) => gpu.fromBuffer(buffer, shape));
  const out = attention(softmax(), { q, k, v });
  const { buffer, offset } = await gpu.bufferOf(out);
  if (offset !== 0) throw new Error(`TensorFlow.js reads a buffer from its start, not from byte ${offset}`);
  const doubled = tf.mul(tf.tensor({ buffer, zeroCopy: true }, shape), 2);
  const shared = Array.from(await doubled.data());

  const numbers = await Promise.all(theirs.map((tensor) => tensor.data()));
  const [cq, ck, cv] = numbers.map((data) => cpu.tensor(data, shape));
  const onCpu = await attention(softmax(), { q: cq, k: ck, v: cv }).read();
  const scores = tf.mul(tf.matMul(theirs[0], theirs[1], false, true), 1 / Math.sqrt(shape[3]));
  const alone = await tf.mul(tf.matMul(tf.softmax(scores), theirs[2]), 2).data();

  for (const tensor of [q, k, v, out]) tensor.dispose();
  await gpu.finish();
  for (const { tensorRef } of lent) tensorRef.dispose();
  gpu.dispose(); // the device stays
  const after = Array.from(await tf.add(theirs[0], 1).data());
  return {
    shared: { softmax: [shared, after] },
    cpu: { softmax: [Array.from(onCpu, (x) => 2 * x), Array.from(numbers[0], (x) => x + 1)] },
    alone: { softmax: [Array.from(alone), after] },
  };
};
