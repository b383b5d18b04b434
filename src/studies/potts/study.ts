import type { Indices } from "../../core/indices.js";
import { random, type Random } from "../../core/random.js";
import { disposeTree, parameterCount, type Backend, type ParameterTree } from "../../core/tensor.js";
import { batchOf, factoredPredictor, maskedLoss, softmaxPredictor, type Predictor } from "../../physics/masked-prediction.js";
import { gibbsSamples, randomPotts, type PottsModel } from "../../physics/potts.js";
import { correlation, fixGauge, upperPairs } from "../../physics/recovery.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import { first, train, type TrainingPlan, type TrainingState } from "../training/train.js";
import { pottsBytes, pottsFields, type PottsConfiguration } from "./configuration.js";
import type { PottsMeasurements, PottsRun } from "./measurements.js";
import { present } from "./present.js";

/** Draws whose attention weights are averaged into one matrix. */
const MAP_ROWS = 500;

/** Streams of random numbers that a seed has: the model and its samples, then one for each training. */
const streamOf = ({ seed }: Session<unknown>, { restarts }: PottsConfiguration, training = 0): Random => random((1 + 2 * restarts) * seed + training);

/** The model of a seed, and its samples once they are wanted. */
function draw({ sites, colours, samples: count }: PottsConfiguration, stream: Random) {
  const model = randomPotts(sites, colours, stream);
  let drawn: Indices | undefined;
  return { model, truth: fixGauge(model.couplings, model.interactions, sites, colours), samples: (): Indices => (drawn ??= gibbsSamples(model, count, stream)) };
}

/** The loss of the true model over all samples. */
function lossOf({ couplings, interactions }: PottsModel, samples: Indices, { sites, colours }: PottsConfiguration, backend: Backend): Promise<number> {
  const loss = backend.scope(() => {
    const everything = { positions: backend.tensor(couplings, [1, sites, sites]), values: backend.tensor(interactions, [colours, colours]) };
    return maskedLoss(factoredPredictor(sites, colours), everything, samples);
  });
  return first(loss);
}

type Recovery = Pick<PottsRun, "couplings" | "couplingCorrelation" | "absoluteCorrelation" | "interactionCorrelation">;

interface Layer<Parameters extends ParameterTree> {
  readonly label: string;
  readonly predictor: Predictor<Parameters>;
  readonly stream: Random;
  /** What the trained layer knows of the model. */
  readonly compare: (parameters: Parameters) => Promise<Recovery>;
}

/** One of several trainings of a layer, and the loss of the true model on its samples. */
interface Start {
  readonly trueLoss: number;
  readonly run: Omit<PottsRun, "attention">;
}

/** Trains one layer from weights of its own. */
async function trainOnce<Parameters extends ParameterTree>(
  { label, predictor, stream, compare }: Layer<Parameters>,
  samples: Indices,
  { batch, epochs, learningRate }: PottsConfiguration,
  session: Session<unknown>,
  kept: Kept<TrainingState<null>>,
): Promise<Omit<PottsRun, "attention">> {
  const parameters = predictor.initialize(session.backend, stream);
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
    const { losses, seconds } = await train(plan, session, kept);
    return { losses, parameters: parameterCount(parameters), secondsPerStep: seconds / losses.length, ...(await compare(parameters)) };
  } finally {
    disposeTree(parameters);
  }
}

async function run(configuration: PottsConfiguration, session: Session<PottsMeasurements>): Promise<void> {
  const { sites, colours, samples: count, restarts, batch } = configuration;
  session.report({ kind: "stage", title: `Generalised Potts model: ${sites} sites, ${colours} colours, ${count} samples by Gibbs sampling` });
  const { model, truth, samples } = draw(configuration, streamOf(session, configuration));
  const depends = { configuration, seed: session.seed };
  const runs: PottsRun[] = [];

  /** The best of several trainings, by the mean loss of their last epochs. */
  const trainBest = async <Parameters extends ParameterTree>(attention: PottsRun["attention"], turn: number, layer: Omit<Layer<Parameters>, "label" | "stream">): Promise<void> => {
    const lastEpoch = ({ run: { losses } }: Start): number => losses.slice(-Math.floor(count / batch)).reduce((a, b) => a + b, 0);
    let best: Start | undefined;
    for (let restart = 1; restart <= restarts; restart++) {
      const own = { ...layer, label: `${attention} ${restart} of ${restarts}`, stream: streamOf(session, configuration, turn * restarts + restart) };
      const trained = await session.task({ name: `${attention} start ${restart}`, depends }, async (kept: Kept<TrainingState<null>>) => ({
        trueLoss: await lossOf(model, samples(), configuration, session.backend),
        run: await trainOnce(own, samples(), configuration, session, kept),
      }));
      if (trained !== undefined && !(best !== undefined && lastEpoch(best) <= lastEpoch(trained))) best = trained;
    }
    if (best === undefined) return;
    runs.push({ attention, ...best.run });
    await session.save({ truth: truth.couplings, trueLoss: best.trueLoss, runs });
  };

  await trainBest("factored", 0, {
    predictor: factoredPredictor(sites, colours),
    async compare({ positions, values }) {
      const found = fixGauge(await positions.read(), await values.read(), sites, colours, truth.couplings);
      return {
        couplings: found.couplings,
        couplingCorrelation: correlation(found.couplings, truth.couplings),
        interactionCorrelation: correlation(found.interactions, truth.interactions),
      };
    },
  });
  const querying = softmaxPredictor(sites, colours);
  await trainBest("softmax", 1, {
    predictor: querying,
    async compare(parameters) {
      const rows = batchOf(samples(), Array.from({ length: count }, (_, row) => row), 0, Math.min(MAP_ROWS, count));
      const weightsTensor = session.backend.scope(() => querying.weights(parameters, rows));
      const weights = await weightsTensor.read();
      weightsTensor.dispose();
      const mean = new Float64Array(sites * sites);
      weights.forEach((weight, at) => (mean[at % mean.length] += weight / rows.shape[0]));
      // Weights are positive and know no gauge: only their pattern can be compared.
      const pairs = upperPairs(mean, sites);
      const values = fixGauge(mean, await parameters.values.read(), sites, colours);
      return {
        couplings: pairs,
        couplingCorrelation: correlation(pairs, truth.couplings),
        absoluteCorrelation: correlation(pairs, truth.couplings.map(Math.abs)),
        interactionCorrelation: correlation(values.interactions, truth.interactions),
      };
    },
  });
}

/** One layer of attention learns the generalised Potts model by masked prediction: are J and U recovered? */
export const potts: Study<PottsConfiguration, PottsMeasurements> = { name: "potts", configuration: record(pottsFields), bytes: pottsBytes, run, present };
