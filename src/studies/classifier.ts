import { valueAndGrad } from "../autograd/grad.js";
import { crossEntropy } from "../autograd/ops.js";
import { indices, type Indices } from "../core/indices.js";
import { random } from "../core/random.js";
import { isTensor, type ParameterTree, type Tensor } from "../core/tensor.js";
import { leaves } from "../core/tree.js";
import { adam, sgd } from "../nn/optimizers.js";
import type { Session } from "./study.js";

/** A model that turns inputs into logits [batch, classes]. */
export interface Classifier<Parameters extends ParameterTree> {
  apply(parameters: Parameters, input: Indices | Tensor): Tensor;
}

/** Labelled examples; `inputs` gives those of some rows as the model takes them. */
export interface Examples {
  readonly labels: Int32Array;
  inputs(rows: readonly number[]): Indices | Tensor;
}

const optimizers = { adam, sgd } as const;

export interface TrainOptions {
  /** Words for the progress display. */
  readonly label: string;
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Default Adam; `sgd` has momentum 0.9. */
  readonly optimizer?: keyof typeof optimizers;
  /** Of the order of the examples. */
  readonly seed: number;
}

export interface EpochResult {
  readonly epoch: number;
  /** Mean cross-entropy of the epoch's batches, in nats. */
  readonly trainLoss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
}

/** Examples in one forward pass of the evaluation. */
const TEST_BATCH = 64;

/** Mean cross-entropy of the model on some rows, in nats. */
export function classifierLoss<Parameters extends ParameterTree>(model: Classifier<Parameters>, parameters: Parameters, examples: Examples, rows: readonly number[]): Tensor {
  return crossEntropy(model.apply(parameters, examples.inputs(rows)), indices(rows.map((row) => examples.labels[row])));
}

function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index] > row[best]) best = index;
  return best;
}

async function first(tensor: Tensor): Promise<number> {
  const value = (await tensor.read())[0];
  tensor.dispose();
  return value;
}

async function evaluate<Parameters extends ParameterTree>(model: Classifier<Parameters>, parameters: Parameters, test: Examples, session: Session<unknown>) {
  const count = test.labels.length;
  let correct = 0;
  let totalLoss = 0;
  for (let start = 0; start < count; start += TEST_BATCH) {
    const rows = Array.from({ length: Math.min(TEST_BATCH, count - start) }, (_, index) => start + index);
    const [logits, loss] = session.backend.scope(() => {
      const output = model.apply(parameters, test.inputs(rows));
      return [output, crossEntropy(output, indices(rows.map((row) => test.labels[row])))] as const;
    });
    const classes = logits.shape[1];
    const values = await logits.read();
    logits.dispose();
    totalLoss += (await first(loss)) * rows.length;
    correct += rows.filter((row, index) => argmax(values.subarray(index * classes, (index + 1) * classes)) === test.labels[row]).length;
    await session.checkpoint();
  }
  return { testAccuracy: correct / count, testLoss: totalLoss / count };
}

/**
 * Trains `parameters` in place on the cross-entropy, and yields after every epoch what it measured and the losses of its batches.
 *
 * Equal seeds give equal batches. An incomplete batch waits for the next shuffle.
 */
export async function* trainClassifier<Parameters extends ParameterTree>(
  model: Classifier<Parameters>,
  parameters: Parameters,
  { train, test }: { readonly train: Examples; readonly test: Examples },
  options: TrainOptions,
  session: Session<unknown>,
): AsyncGenerator<EpochResult & { readonly losses: readonly number[] }> {
  const { label, epochs, learningRate, optimizer: rule = "adam", seed } = options;
  const { backend } = session;
  const optimizer = optimizers[rule]({ learningRate });
  const size = Math.min(options.batch, train.labels.length);
  const perEpoch = Math.floor(train.labels.length / size);
  const order = random(seed);
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const start = performance.now();
      const rows = order.shuffle(Array.from(train.labels.keys()));
      const losses: number[] = [];
      let pending: Promise<number> | undefined; // one step in flight while the host prepares the next
      const settle = async (): Promise<void> => {
        if (pending === undefined) return;
        losses.push(await pending);
        const done = (epoch - 1) * perEpoch + losses.length;
        session.report({ kind: "progress", label, done, total: epochs * perEpoch, note: `epoch ${epoch}/${epochs}, loss ${losses.at(-1)!.toFixed(3)}` });
      };
      for (let index = 0; index < perEpoch; index++) {
        const part = rows.slice(index * size, (index + 1) * size);
        const value = backend.scope(() => {
          const result = valueAndGrad((weights) => classifierLoss(model, weights, train, part), parameters);
          optimizer.step(parameters, result.gradients);
          return result.value;
        });
        await settle();
        pending = first(value);
        await session.checkpoint();
      }
      await settle();
      const trainLoss = losses.reduce((a, b) => a + b) / losses.length;
      const evaluation = await evaluate(model, parameters, test, session);
      session.report({ kind: "note", text: `${label}, epoch ${epoch}: train loss ${trainLoss.toFixed(4)}, test accuracy ${(100 * evaluation.testAccuracy).toFixed(1)} %` });
      yield { epoch, trainLoss, ...evaluation, seconds: (performance.now() - start) / 1000, losses };
    }
  } finally {
    optimizer.dispose();
  }
}

/** Frees the memory of parameters. */
export function disposeTree(parameters: ParameterTree): void {
  for (const tensor of leaves(parameters, isTensor)) tensor.dispose();
}
