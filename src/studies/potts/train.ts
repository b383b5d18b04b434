import { add } from "../../autograd/ops.js";
import type { Indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import { countParameters, disposeTree, type ParameterTree } from "../../core/tensor.js";
import { softmax } from "../../kernels/softmax.js";
import { encoder } from "../../nn/encoder.js";
import { cosineSchedule } from "../../nn/schedules.js";
import { mean } from "../../numerics/averages.js";
import {
  batchOf,
  encoderPredictor,
  factoredPredictor,
  maskedLoss,
  type Predictor,
} from "../../physics/masked-prediction.js";
import { conditionalLosses, gibbsSamples, randomPotts } from "../../physics/potts.js";
import { centre, correlation, couplingsOf, fixGauge } from "../../physics/recovery.js";
import { pairResponse } from "../../physics/response.js";
import type { Work } from "../runner/study.js";
import { first, train, type TrainingState } from "../training/train.js";
import type { PottsOptions } from "./options.js";

/** Random streams per seed: model and samples, weights, order of the samples. */
const STREAMS = 3;

/** What one predictor learned. */
export interface PottsRun {
  /** The predictor's attention and its layers. */
  readonly kernel: string;
  readonly seed: number;
  /** Learning rate of the first step. */
  readonly rate: number;
  /** Cross entropy of each batch before its step minus that of the true model, in nats per site. */
  readonly losses: readonly number[];
  /** The same on held-out samples after the last step. */
  readonly heldOut: number;
  readonly parameters: number;
  readonly secondsPerStep: number;
  /** J of the pairs i < j, scaled to norm 1, from the responses of the logits. */
  readonly couplings: readonly number[];
  readonly couplingCorrelation: number;
  readonly interactionCorrelation: number;
  /** Shares of the squared responses that are not J_ij U_ab, as `couplingsOf` has them. */
  readonly residual: number;
  readonly betweenContexts: number;
}

/** A model to learn, its couplings and interactions in the fixed gauge, and samples of it. */
export type PottsData = ReturnType<typeof drawPotts>;

/** Draws the model of a seed and its samples; the held-out ones are a Markov chain of their own. */
export function drawPotts({ sites, colours, samples: count, test: tests }: PottsOptions, seed: number) {
  const stream = random(STREAMS * seed);
  const model = randomPotts(sites, colours, stream);
  const interactions = model.interactions.slice();
  centre(interactions, colours);
  const samples = gibbsSamples(model, count, stream);
  const test = gibbsSamples(model, tests, stream);
  return {
    truth: fixGauge(model.couplings, interactions, sites, colours),
    samples,
    /** Loss of the true model on every sample. */
    losses: conditionalLosses(model, samples),
    test,
    testLoss: mean(Array.from(conditionalLosses(model, test))),
  };
}

/** A predictor, and how it is trained. */
export interface Contender {
  readonly kernel: string;
  readonly rate: number;
  /** Trainings from weights of their own. The loss of the factored layer has local minima. */
  readonly starts: number;
  readonly predictor: Predictor<ParameterTree>;
}

/** The factored layer, and the encoders with softmax. */
export const contenders = ({
  sites,
  colours,
  layers,
  width,
  hidden,
  heads,
  restarts,
  factoredRate,
  encoderRates,
}: PottsOptions): Contender[] => [
  { kernel: "factored", rate: factoredRate, starts: restarts, predictor: factoredPredictor(sites, colours) },
  ...layers.map((depth) => ({
    kernel: `softmax ${depth} ${depth === 1 ? "layer" : "layers"}`,
    rate: encoderRates[Math.min(depth, encoderRates.length) - 1],
    starts: 1,
    predictor: encoderPredictor(
      encoder({
        kernel: softmax(),
        vocabulary: colours + 1,
        classes: colours,
        tokens: sites,
        width,
        hidden,
        heads,
        layers: depth,
      }),
      colours,
    ),
  })),
];

/** Rows in one forward pass of the evaluation, times sites². */
const TOKENS_AT_ONCE = 20_000;

/** Mean loss on all `samples`. */
async function meanLoss(
  predictor: Predictor<ParameterTree>,
  parameters: ParameterTree,
  samples: Indices,
  work: Work,
): Promise<number> {
  const [count, sites] = samples.shape;
  const size = Math.max(1, Math.floor(TOKENS_AT_ONCE / sites ** 2));
  const order = Array.from({ length: count }, (_, row) => row);
  let total = 0;
  for (let start = 0; start < count; start += size) {
    const rows = batchOf(samples, order, start, size);
    total += rows.shape[0] * (await first(work.backend.scope(() => maskedLoss(predictor, parameters, rows))));
    await work.checkpoint();
  }
  return total / count;
}

/** The weights of one start: the draws of all starts follow each other in the stream of the seed. */
function weightsOf({ predictor }: Contender, seed: number, start: number, { backend }: Work): ParameterTree {
  const stream = random(STREAMS * seed + 1);
  for (let earlier = 1; earlier < start; earlier++) disposeTree(predictor.initialize(backend, stream));
  return predictor.initialize(backend, stream);
}

/** Trains a predictor on the samples of a seed, and measures what it learned. */
export async function trainPredictor(
  contender: Contender,
  { seed, start }: { readonly seed: number; readonly start: number },
  { samples, losses: trueLosses, test, testLoss, truth }: PottsData,
  { sites, colours, contexts, batch, epochs }: PottsOptions,
  work: Work<TrainingState<null>>,
): Promise<PottsRun> {
  const { kernel, rate, predictor } = contender;
  const parameters = weightsOf(contender, seed, start, work);
  const examples = samples.shape[0];
  try {
    const { losses, seconds } = await train(
      {
        label: `${kernel}, seed ${seed}`,
        parameters,
        examples,
        batch,
        epochs,
        learningRate: cosineSchedule({ start: rate, steps: epochs * Math.floor(examples / Math.min(batch, examples)) }),
        order: random(STREAMS * seed + 2),
        loss: (weights, rows) =>
          add(
            maskedLoss(predictor, weights, batchOf(samples, rows, 0, rows.length)),
            -mean(rows.map((row) => trueLosses[row])),
          ),
        afterEpoch: () => Promise.resolve(null),
      },
      work,
    );
    const heldOut = (await meanLoss(predictor, parameters, test, work)) - testLoss;
    const places = Array.from({ length: test.shape[0] }, (_, row) => row);
    const response = await pairResponse(predictor, parameters, batchOf(test, places, 0, contexts), colours);
    const found = couplingsOf(response, sites, colours, truth.couplings);
    return {
      kernel,
      seed,
      rate,
      losses,
      heldOut,
      parameters: countParameters(parameters),
      secondsPerStep: seconds / losses.length,
      couplings: found.couplings,
      couplingCorrelation: correlation(found.couplings, truth.couplings),
      interactionCorrelation: correlation(found.interactions, truth.interactions),
      residual: found.residual,
      betweenContexts: found.betweenContexts,
    };
  } finally {
    disposeTree(parameters);
  }
}
