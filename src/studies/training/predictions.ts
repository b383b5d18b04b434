import { crossEntropy } from "../../autograd/ops.js";
import type { Indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import type { Mask } from "../../kernels/mask.js";
import type { Encoder, EncoderParameters } from "../../nn/encoder.js";
import type { Schedule } from "../../nn/schedules.js";
import type { Work } from "../runner/study.js";
import { measureEpochs, type EpochMeasure } from "./epochs.js";
import { first, probeRows, train, type Training, type TrainingSoFar, type TrainingState } from "./train.js";

/** Tokens that a model reads, and tokens that it predicts. */
export interface Prediction {
  /** [rows, tokens]. */
  readonly inputs: Indices;
  /** Places of the predicted tokens, row · tokens + token. */
  readonly places: Indices;
  /** The tokens at these places. */
  readonly targets: Indices;
}

/** Tokens to predict in sequences. */
export interface Predictions {
  readonly count: number;
  /** Which tokens may see each other. Default all. */
  readonly mask?: Mask;
  /** The predictions in some sequences, equally many in each. */
  of(rows: readonly number[], epoch: number): Prediction;
}

/** Mean cross-entropy of the predictions in some sequences, in nats. */
function predictionLoss(
  model: Encoder,
  parameters: EncoderParameters,
  predictions: Predictions,
  rows: readonly number[],
  epoch: number,
): Tensor {
  const { inputs, places, targets } = predictions.of(rows, epoch);
  const { mask } = predictions;
  return crossEntropy(model.tokenLogits(parameters, inputs, places, mask === undefined ? {} : { mask }), targets);
}

/** Sequences in one forward pass of the evaluation. */
const TEST_BATCH = 64;

/** Mean cross-entropy of all predictions, in nats. */
export async function meanLoss(
  model: Encoder,
  parameters: EncoderParameters,
  predictions: Predictions,
  work: Work,
): Promise<number> {
  let total = 0;
  for (let start = 0; start < predictions.count; start += TEST_BATCH) {
    const rows = Array.from({ length: Math.min(TEST_BATCH, predictions.count - start) }, (_, index) => start + index);
    total +=
      rows.length * (await first(work.backend.scope(() => predictionLoss(model, parameters, predictions, rows, 0))));
    await work.checkpoint();
  }
  return total / predictions.count;
}

export interface PredictionOptions {
  /** Label of the progress display. */
  readonly label: string;
  readonly batch: number;
  readonly epochs: number;
  /** Learning rate of Adam. */
  readonly learningRate: number | Schedule;
  /** Steps between two looks of the monitor, at the first sequences of the test; default 0, none. */
  readonly monitor?: number;
  /** Seed of the order of the sequences. */
  readonly seed: number;
  /** Called after every epoch with the measurements so far. */
  readonly measured?: (soFar: TrainingSoFar<EpochMeasure>) => Promise<void>;
}

/** Trains `parameters` in place to predict tokens, or continues a stored training; equal seeds give equal batches. */
export function trainPredictions(
  model: Encoder,
  parameters: EncoderParameters,
  { train: examples, test }: { readonly train: Predictions; readonly test: Predictions },
  { label, batch, epochs, learningRate, monitor = 0, seed, measured = () => Promise.resolve() }: PredictionOptions,
  work: Work<TrainingState<EpochMeasure>>,
): Promise<Training<EpochMeasure>> {
  return train(
    {
      label,
      parameters,
      examples: examples.count,
      batch,
      epochs,
      learningRate,
      order: random(seed),
      watch: {
        every: monitor,
        model,
        probe: () => test.of(probeRows(test.count), 0).inputs,
        call: test.mask === undefined ? {} : { mask: test.mask },
      },
      loss: (weights: EncoderParameters, rows, epoch) => predictionLoss(model, weights, examples, rows, epoch),
      afterEpoch: measureEpochs({
        label,
        evaluate: async () => ({ testLoss: await meanLoss(model, parameters, test, work) }),
        words: ({ testLoss }) => `held-out loss ${testLoss.toFixed(4)}`,
        measured,
        work,
      }),
    },
    work,
  );
}
