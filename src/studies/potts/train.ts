import type { Indices } from "../../core/indices.js";
import { random, type Random } from "../../core/random.js";
import { disposeTree, countParameters, type Backend, type ParameterTree } from "../../core/tensor.js";
import {
  batchOf,
  factoredPredictor,
  maskedLoss,
  softmaxPredictor,
  type Predictor,
} from "../../physics/masked-prediction.js";
import { gibbsSamples, randomPotts, type PottsModel } from "../../physics/potts.js";
import { correlation, fixGauge, upperPairs } from "../../physics/recovery.js";
import type { Work } from "../runner/study.js";
import { first, train, type TrainingPlan, type TrainingState } from "../training/train.js";

export interface PottsOptions {
  readonly sites: number;
  readonly colours: number;
  /** Configurations drawn by Gibbs sampling. */
  readonly samples: number;
  readonly batch: number;
  readonly epochs: number;
  /**
   * Trainings of each layer, each from its own weights. The loss has local minima, so the training with the lowest loss
   * counts.
   */
  readonly restarts: number;
  readonly learningRate: number;
}

/** What one layer of attention learned. */
export interface PottsRun {
  readonly attention: "factored" | "softmax";
  /** Cross entropy of each batch before its step, in nats per site. */
  readonly losses: readonly number[];
  readonly parameters: number;
  readonly secondsPerStep: number;
  /** J of the pairs i < j, scaled to norm 1; for softmax the mean attention weight. */
  readonly couplings: readonly number[];
  readonly couplingCorrelation: number;
  /** Correlation with |J|, for softmax, whose weights are positive. */
  readonly absoluteCorrelation?: number;
  readonly interactionCorrelation: number;
}

/** Samples over which attention weights are averaged. */
const MAP_ROWS = 500;

/** Random streams per seed: 0 for the model and its samples, then one for each training. */
export const streamOf = (seed: number, { restarts }: Pick<PottsOptions, "restarts">, training = 0): Random =>
  random((1 + 2 * restarts) * seed + training);

/** The model of a seed, its couplings and interactions in the fixed gauge, and its samples, drawn at first use. */
export type PottsData = ReturnType<typeof drawPotts>;

export function drawPotts({ sites, colours, samples: count }: PottsOptions, stream: Random) {
  const model = randomPotts(sites, colours, stream);
  let drawn: Indices | undefined;
  return {
    model,
    truth: fixGauge(model.couplings, model.interactions, sites, colours),
    samples: (): Indices => (drawn ??= gibbsSamples(model, count, stream)),
  };
}

/** The loss of the true model over all samples. */
export function lossOf(
  { couplings, interactions }: PottsModel,
  samples: Indices,
  { sites, colours }: PottsOptions,
  backend: Backend,
): Promise<number> {
  const loss = backend.scope(() => {
    const everything = {
      positions: backend.tensor(couplings, [1, sites, sites]),
      values: backend.tensor(interactions, [colours, colours]),
    };
    return maskedLoss(factoredPredictor(sites, colours), everything, samples);
  });
  return first(loss);
}

type Recovery = Pick<PottsRun, "couplings" | "couplingCorrelation" | "absoluteCorrelation" | "interactionCorrelation">;

interface Layer<Parameters extends ParameterTree> {
  readonly predictor: Predictor<Parameters>;
  /** Compares the trained layer with the true model. */
  readonly compare: (parameters: Parameters) => Promise<Recovery>;
}

/** Trains one layer from its own initial weights. */
async function trainLayer<Parameters extends ParameterTree>(
  { predictor, compare }: Layer<Parameters>,
  { label, stream, samples }: { readonly label: string; readonly stream: Random; readonly samples: Indices },
  { batch, epochs, learningRate }: PottsOptions,
  work: Work<TrainingState<null>>,
): Promise<Omit<PottsRun, "attention">> {
  const parameters = predictor.initialize(work.backend, stream);
  try {
    const plan: TrainingPlan<Parameters, null> = {
      label,
      parameters,
      examples: samples.shape[0],
      batch,
      epochs,
      learningRate,
      order: stream,
      loss: (weights, rows) => maskedLoss(predictor, weights, batchOf(samples, rows, 0, rows.length)),
      afterEpoch: () => Promise.resolve(null),
    };
    const { losses, seconds } = await train(plan, work);
    return {
      losses,
      parameters: countParameters(parameters),
      secondsPerStep: seconds / losses.length,
      ...(await compare(parameters)),
    };
  } finally {
    disposeTree(parameters);
  }
}

function factoredLayer({ truth }: PottsData, { sites, colours }: PottsOptions) {
  const predictor = factoredPredictor(sites, colours);
  return {
    predictor,
    async compare({ positions, values }: ReturnType<typeof predictor.initialize>) {
      const found = fixGauge(await positions.read(), await values.read(), sites, colours, truth.couplings);
      return {
        couplings: found.couplings,
        couplingCorrelation: correlation(found.couplings, truth.couplings),
        interactionCorrelation: correlation(found.interactions, truth.interactions),
      };
    },
  };
}

function softmaxLayer(
  { truth, samples }: PottsData,
  { sites, colours, samples: count }: PottsOptions,
  backend: Backend,
) {
  const predictor = softmaxPredictor(sites, colours);
  return {
    predictor,
    async compare(parameters: ReturnType<typeof predictor.initialize>) {
      const rows = batchOf(
        samples(),
        Array.from({ length: count }, (_, row) => row),
        0,
        Math.min(MAP_ROWS, count),
      );
      const weightsTensor = backend.scope(() => predictor.weights(parameters, rows));
      const weights = await weightsTensor.read();
      weightsTensor.dispose();
      const mean = new Float64Array(sites * sites);
      weights.forEach((weight, at) => (mean[at % mean.length] += weight / rows.shape[0]));
      // Weights are positive, so their gauge cannot be fixed: only their pattern is compared.
      const pairs = upperPairs(mean, sites);
      const values = fixGauge(mean, await parameters.values.read(), sites, colours);
      return {
        couplings: pairs,
        couplingCorrelation: correlation(pairs, truth.couplings),
        absoluteCorrelation: correlation(pairs, truth.couplings.map(Math.abs)),
        interactionCorrelation: correlation(values.interactions, truth.interactions),
      };
    },
  };
}

/** Trains a layer with one kind of attention. */
export function trainOnce(
  attention: PottsRun["attention"],
  label: string,
  stream: Random,
  data: PottsData,
  options: PottsOptions,
  work: Work<TrainingState<null>>,
): Promise<Omit<PottsRun, "attention">> {
  const start = { label, stream, samples: data.samples() };
  if (attention === "factored") return trainLayer(factoredLayer(data, options), start, options, work);
  return trainLayer(softmaxLayer(data, options, work.backend), start, options, work);
}
