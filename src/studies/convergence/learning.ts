import { crossEntropy } from "../../autograd/ops.js";
import { valueAndGrad } from "../../autograd/grad.js";
import { indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import { isTensor } from "../../core/tensor.js";
import type { Tensor } from "../../core/tensor.js";
import { leaves } from "../../core/tree.js";
import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { encoder } from "../../nn/encoder.js";
import { adam } from "../../nn/optimizers.js";
import type { Session } from "../study.js";
import { batch } from "../text/dataset.js";
import type { Dataset, EncodedExamples } from "../text/dataset.js";
import type { LearningConfiguration } from "./configuration.js";
import type { Epoch, KernelName, LearningRun } from "./measurements.js";

const kernels = { softmax: softmax(), gaussian: gaussian() } as const;
/** Texts in one forward pass of the evaluation. */
const TEST_BATCH = 64;

type Encoder = ReturnType<typeof encoder>;
type Parameters = ReturnType<Encoder["initialize"]>;

const idsOf = (examples: EncodedExamples) => indices(examples.ids, [examples.count, examples.tokens]);
const first = async (tensor: Tensor): Promise<number> => {
  const value = (await tensor.read())[0];
  tensor.dispose();
  return value;
};

function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index] > row[best]) best = index;
  return best;
}

async function evaluate(model: Encoder, parameters: Parameters, dataset: Dataset, session: Session<unknown>) {
  const { test, classes } = dataset;
  const order = Array.from(test.labels.keys());
  let correct = 0;
  let totalLoss = 0;
  for (let start = 0; start < test.count; start += TEST_BATCH) {
    const part = batch(test, order, start, TEST_BATCH);
    const [logits, loss] = session.backend.scope(() => {
      const output = model.apply(parameters, idsOf(part));
      return [output, crossEntropy(output, indices(part.labels))] as const;
    });
    const rows = await logits.read();
    logits.dispose();
    totalLoss += (await first(loss)) * part.count;
    part.labels.forEach((label, row) => {
      if (argmax(rows.subarray(row * classes.length, (row + 1) * classes.length)) === label) correct++;
    });
    await session.checkpoint();
  }
  return { testAccuracy: correct / test.count, testLoss: totalLoss / test.count };
}

/**
 * Trains the encoder with one kernel as a classifier and yields the run so far after every epoch.
 *
 * Equal seeds give equal initial weights and equal batches, whatever the kernel.
 */
async function* train(
  kernel: KernelName,
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
): AsyncGenerator<LearningRun> {
  const { backend, seed } = session;
  const { train: examples } = dataset;
  const { width, hidden, heads, layers, tokens, epochs, learningRate } = configuration;
  const model = encoder({ kernel: kernels[kernel], vocabulary: dataset.vocabulary.size, classes: dataset.classes.length, tokens, width, hidden, heads, layers });
  const parameters = model.initialize(backend, random(seed));
  const optimizer = adam({ learningRate });
  const batchSize = Math.min(configuration.batch, examples.count);
  const perEpoch = Math.floor(examples.count / batchSize); // an incomplete batch waits for the next shuffle
  const order = random(seed + 1);
  const curve = { steps: [] as number[], losses: [] as number[] };
  const done: Epoch[] = [];
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const start = performance.now();
      const rows = order.shuffle(Array.from(examples.labels.keys()));
      const losses: number[] = [];
      let pending: Promise<number> | undefined; // one step in flight while the host prepares the next
      const settle = async (): Promise<void> => {
        if (pending === undefined) return;
        losses.push(await pending);
        curve.steps.push((epoch - 1) * perEpoch + losses.length);
        curve.losses.push(losses.at(-1)!);
        const done = (epoch - 1) * perEpoch + losses.length;
        session.report({ kind: "progress", label: kernel, done, total: epochs * perEpoch, note: `epoch ${epoch}/${epochs}, loss ${losses.at(-1)!.toFixed(3)}` });
      };
      for (let index = 0; index < perEpoch; index++) {
        const part = batch(examples, rows, index * batchSize, batchSize);
        const value = backend.scope(() => {
          const result = valueAndGrad((weights) => crossEntropy(model.apply(weights, idsOf(part)), indices(part.labels)), parameters);
          optimizer.step(parameters, result.gradients);
          return result.value;
        });
        await settle();
        pending = first(value);
        await session.checkpoint();
      }
      await settle();
      const trainLoss = losses.reduce((a, b) => a + b) / losses.length;
      const evaluation = await evaluate(model, parameters, dataset, session);
      done.push({ epoch, trainLoss, ...evaluation, seconds: (performance.now() - start) / 1000 });
      const { testAccuracy } = evaluation;
      session.report({ kind: "note", text: `${kernel}, epoch ${epoch}: train loss ${trainLoss.toFixed(4)}, test accuracy ${(100 * testAccuracy).toFixed(1)} %` });
      yield { kernel, epochs: [...done], curve };
    }
  } finally {
    optimizer.dispose();
    for (const tensor of leaves(parameters, isTensor)) tensor.dispose();
  }
}

/** Part two: the encoder with either kernel, same seed, same budget; yields all runs so far after every epoch. */
export async function* learningRuns(
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
): AsyncGenerator<LearningRun[]> {
  const finished: LearningRun[] = [];
  for (const kernel of Object.keys(kernels) as KernelName[]) {
    let latest: LearningRun | undefined;
    for await (latest of train(kernel, dataset, configuration, session)) yield [...finished, latest];
    if (latest) finished.push(latest);
  }
}
