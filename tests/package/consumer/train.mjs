// Trains a small encoder on the GPU for 1000 steps, and prints memory after 200 of them and at the end.
import { indices, ops, random, requestGpu, softmax, valueAndGrad } from "attention-kernels";
import { adam, encoder } from "attention-kernels/nn";

const gpu = await requestGpu();
const [batch, tokens, vocabulary] = [4, 6, 30];
const model = encoder({ kernel: softmax(), vocabulary, classes: 2, tokens, width: 8, hidden: 16, layers: 1 });
const parameters = model.initialize(gpu, random(1));
const optimizer = adam({ learningRate: 1e-3 });
const stream = random(2);
const memory = async () => {
  // Dawn frees what the collector found in a later turn of the event loop.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { device: gpu.memory.allocated, process: process.memoryUsage().rss };
};
const printed = { losses: [] };
for (let step = 1; step <= 1000; step++) {
  const ids = indices(
    Array.from({ length: batch * tokens }, () => stream.integer(vocabulary)),
    [batch, tokens],
  );
  const labels = indices(Array.from({ length: batch }, (_, row) => ids.values[row * tokens] % 2));
  const value = gpu.scope(() => {
    const result = valueAndGrad((p) => ops.crossEntropy(model.apply(p, ids), labels), parameters);
    optimizer.step(parameters, result.gradients);
    return result.value;
  });
  printed.losses.push((await value.read())[0]);
  value.dispose();
  if (step === 200) printed.early = await memory();
}
printed.late = await memory();
gpu.dispose();
printed.disposed = Date.now();
process.on("exit", () =>
  console.log(JSON.stringify({ ...printed, secondsToExit: (Date.now() - printed.disposed) / 1000 })),
);
