import { attentionMap, indices, kernels, ops, random, valueAndGrad } from "attention-kernels";
import { observeTraining } from "attention-kernels/analysis";
import { adam, cloneTree, disposeTree, encoder } from "attention-kernels/nn";

/** Sequences whose attention is shown, and on which the monitor looks at the layers. */
const SHOWN = 4;
const TEST_BATCH = 64;

const upTo = (count, from = 0) => Array.from({ length: count }, (_, index) => from + index);

/** The share of a test that the model gets right, and its mean cross-entropy. */
async function evaluate(model, parameters, backend, { labels, inputs }) {
  let [right, total] = [0, 0];
  for (let start = 0; start < labels.length; start += TEST_BATCH) {
    const rows = upTo(Math.min(TEST_BATCH, labels.length - start), start);
    const [logits, loss] = backend.scope(() => {
      const output = model.apply(parameters, inputs(backend, rows));
      return [output, ops.crossEntropy(output, indices(rows.map((row) => labels[row])))];
    });
    const [numbers, [own]] = await Promise.all([logits.read(), loss.read()]);
    total += own * rows.length;
    right += rows.filter((row, at) => Number(numbers[2 * at + 1] > numbers[2 * at]) === labels[row]).length;
    disposeTree([logits, loss]);
  }
  return { accuracy: right / labels.length, testLoss: total / labels.length };
}

/** The attention maps of every layer, [sequences, heads, n, n]; none for a kernel without a weight for every pair. */
async function mapsOf(model, parameters, backend, probe) {
  const maps = backend.scope(() => {
    const own = [];
    const observe = ({ kernel, inputs, options }) => {
      if ("formula" in kernel) own.push(attentionMap(kernel, inputs, options));
    };
    model.apply(parameters, probe, { observe });
    return own;
  });
  const numbers = await Promise.all(maps.map((map) => map.read()));
  disposeTree(maps);
  return numbers.map((map) => Float32Array.from(map));
}

/**
 * Trains an encoder with a kernel on labelled sequences by Adam. `follow` hears of every loss, and at the start and
 * every few steps of the accuracy on the test, the attention maps, and the monitor's warnings.
 */
export async function train({ kernel, seed, steps, batch, learningRate, every, ...size }, backend, data, follow) {
  const model = encoder({ kernel: kernels[kernel](), classes: 2, heads: 2, ...data.sizes, ...size });
  const parameters = model.initialize(backend, random(4 * seed + 2));
  const order = random(4 * seed + 3);
  const optimizer = adam({ learningRate });
  const { labels, inputs } = data.train;
  const probe = data.test.inputs(backend, upTo(SHOWN));
  const monitor = observeTraining(model, { every, probe });
  const record = async (step) => {
    const measured = await evaluate(model, parameters, backend, data.test);
    const maps = await mapsOf(model, parameters, backend, probe);
    await follow({ record: { step, ...measured, maps, warnings: monitor.lines() } });
  };
  const perEpoch = Math.floor(labels.length / batch);
  let rows = [];
  await record(0);
  for (let step = 1; step <= steps; step++) {
    const at = (step - 1) % perEpoch;
    if (at === 0) rows = order.shuffle(upTo(labels.length));
    const part = rows.slice(at * batch, (at + 1) * batch);
    const previous = monitor.isDue(step) ? cloneTree(parameters) : undefined;
    const { value, gradients } = backend.scope(() => {
      const wanted = indices(part.map((row) => labels[row]));
      const input = inputs(backend, part);
      const result = valueAndGrad((moving) => ops.crossEntropy(model.apply(moving, input), wanted), parameters);
      optimizer.step(parameters, result.gradients);
      return { value: result.value, gradients: previous && result.gradients };
    });
    const [loss] = await value.read();
    value.dispose();
    await follow({ step, loss });
    if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss} at step ${step}: lower the learning rate`);
    if (previous) {
      await monitor.step({ step, parameters, gradients, previous, loss });
      disposeTree([previous, gradients]);
    }
    if (step % every === 0 || step === steps) await record(step);
  }
  disposeTree(parameters);
  optimizer.dispose();
}
