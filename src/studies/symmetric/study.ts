import { random } from "../../core/random.js";
import { disposeTree, parameterCount } from "../../core/tensor.js";
import { encoder } from "../../nn/encoder.js";
import { openCorpus } from "../corpus/file.js";
import { prepareWindows, type WindowData, type WindowSummary } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import type { EpochMeasure } from "../training/epochs.js";
import { maskedPredictions } from "../training/masking.js";
import { trainPredictions } from "../training/predictions.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { symmetricFields, type SymmetricConfiguration } from "./configuration.js";
import type { SymmetricMeasurements, SymmetricRun } from "./measurements.js";
import { present } from "./present.js";

/** Streams of random numbers that a seed has: split, weights, order of the windows, masks to train on, masks to test on. */
const STREAMS = 5;

/** Trains one encoder, or goes on with it; `measured` gets the run so far after every epoch. */
async function trainRun(
  configuration: SymmetricConfiguration,
  kernel: string,
  seed: number,
  { vocabulary, train, test }: WindowData,
  session: Session<unknown>,
  kept: Kept<TrainingState<EpochMeasure>>,
  measured: (run: SymmetricRun) => Promise<void>,
): Promise<SymmetricRun> {
  const stream = (index: number): number => STREAMS * seed + index;
  // the mask is one more token to read, and none to predict
  const { tokens, width, hidden, heads, layers } = configuration;
  const model = encoder({ tokens, width, hidden, heads, layers, kernel: encoderKernel(kernel), vocabulary: vocabulary + 1, classes: vocabulary });
  const parameters = model.initialize(session.backend, random(stream(1)));
  const sizes = { parameters: parameterCount(parameters), attentionParameters: parameterCount(parameters.layers.map(({ attention }) => attention)) };
  const runOf = ({ epochs, losses }: TrainingSoFar<EpochMeasure>): SymmetricRun => ({ kernel, seed, ...sizes, epochs, losses });
  const predictions = {
    train: maskedPredictions(train, vocabulary, random(stream(3))),
    test: maskedPredictions(test, vocabulary, random(stream(4))),
  };
  const options = { ...configuration, label: `${kernel}, seed ${seed}`, seed: stream(2), measured: (soFar: TrainingSoFar<EpochMeasure>) => measured(runOf(soFar)) };
  try {
    return runOf(await trainPredictions(model, parameters, predictions, options, session, kept));
  } finally {
    disposeTree(parameters);
  }
}

async function run(configuration: SymmetricConfiguration, session: Session<SymmetricMeasurements>): Promise<void> {
  const { data: path, kernels, seeds, ...setting } = configuration;
  kernels.forEach((name) => encoderKernel(name)); // an unknown name must not wait for its turn
  const corpus = await openCorpus(path);
  const data = new Map<number, WindowSummary>();
  const finished: SymmetricRun[] = [];
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    const windows = prepareWindows(corpus, configuration, STREAMS * seed, { unknown: "never" });
    data.set(seed, windows.summary);
    session.report({ kind: "stage", title: `Seed ${seed}: ${windows.train.count} windows to train on, ${windows.test.count} to test on (${session.backend.device.name})` });
    const save = (latest: SymmetricRun): Promise<void> => session.save({ data: [...data.values()], runs: [...finished, latest] });
    for (const kernel of kernels) {
      const { train, test, vocabulary } = windows;
      const done = await session.task({ name: `${kernel} seed ${seed}`, depends: { ...setting, train, test, vocabulary } }, (kept: Kept<TrainingState<EpochMeasure>>) =>
        trainRun(configuration, kernel, seed, windows, session, kept, save),
      );
      if (done === undefined) continue;
      await save(done);
      finished.push(done);
    }
  }
}

/** Masked words with dot-product, symmetric and pairwise attention over seeds. */
export const symmetric: Study<SymmetricConfiguration, SymmetricMeasurements> = { name: "symmetric", configuration: record(symmetricFields), run, present };
