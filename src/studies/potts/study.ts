import { valueAndGrad } from "../../autograd/grad.js";
import { ArgumentError } from "../../core/errors.js";
import { random, type Random } from "../../core/random.js";
import { isTensor, type ParameterTree } from "../../core/tensor.js";
import { leaves } from "../../core/tree.js";
import type { Indices } from "../../core/indices.js";
import { adam } from "../../nn/optimizers.js";
import { batchOf, factoredPredictor, maskedLoss, softmaxPredictor, type Predictor } from "../../physics/masked-prediction.js";
import { gibbsSamples, randomPotts } from "../../physics/potts.js";
import { correlation, fixGauge, upperPairs } from "../../physics/recovery.js";
import type { Session, Study } from "../study.js";
import type { PottsConfiguration } from "./configuration.js";
import { present, type PottsMeasurements, type PottsRun } from "./present.js";

/** Draws whose attention weights are averaged into one matrix. */
const MAP_ROWS = 500;

interface Trained<Parameters> {
  readonly parameters: Parameters;
  readonly run: Pick<PottsRun, "losses" | "parameters" | "secondsPerStep">;
}

async function trainOnce<Parameters extends ParameterTree>(
  label: string,
  predictor: Predictor<Parameters>,
  samples: Indices,
  { batch, epochs, learningRate }: PottsConfiguration,
  stream: Random,
  session: Session<PottsMeasurements>,
): Promise<Trained<Parameters>> {
  const parameters = predictor.initialize(session.backend, stream);
  const optimizer = adam({ learningRate });
  const [rows] = samples.shape;
  const perEpoch = Math.floor(rows / batch);
  const losses: number[] = [];
  const start = performance.now();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = stream.shuffle(Array.from({ length: rows }, (_, row) => row));
    for (let step = 0; step < perEpoch; step++) {
      const colours = batchOf(samples, order, step * batch, batch);
      const { value, gradients } = valueAndGrad((own: Parameters) => maskedLoss(predictor, own, colours), parameters);
      optimizer.step(parameters, gradients);
      const [loss] = await value.read();
      losses.push(loss);
      for (const tensor of [value, ...leaves(gradients, isTensor)]) tensor.dispose();
      session.report({ kind: "progress", label, done: losses.length, total: epochs * perEpoch, note: `loss ${loss.toFixed(4)}` });
      await session.checkpoint();
    }
  }
  optimizer.dispose();
  const count = leaves(parameters, isTensor).reduce((total, { size }) => total + size, 0);
  return { parameters, run: { losses, parameters: count, secondsPerStep: (performance.now() - start) / 1000 / losses.length } };
}

/** The best of several trainings, by the mean loss of their last epochs. */
async function train<Parameters extends ParameterTree>(
  attention: string,
  predictor: Predictor<Parameters>,
  samples: Indices,
  configuration: PottsConfiguration,
  stream: Random,
  session: Session<PottsMeasurements>,
): Promise<Trained<Parameters>> {
  const { restarts, batch } = configuration;
  const lastEpoch = ({ run: { losses } }: Trained<Parameters>): number =>
    losses.slice(-Math.floor(samples.shape[0] / batch)).reduce((a, b) => a + b, 0);
  let best: Trained<Parameters> | undefined;
  for (let restart = 1; restart <= restarts; restart++) {
    const trained = await trainOnce(`${attention} ${restart} of ${restarts}`, predictor, samples, configuration, stream, session);
    const [kept, dropped] = best !== undefined && lastEpoch(best) <= lastEpoch(trained) ? [best, trained] : [trained, best];
    for (const tensor of leaves(dropped?.parameters, isTensor)) tensor.dispose();
    best = kept;
  }
  if (best !== undefined) return best;
  throw new ArgumentError({ where: "study potts", argument: "restarts", wanted: "at least 1", got: String(restarts) });
}

async function run(configuration: PottsConfiguration, session: Session<PottsMeasurements>): Promise<void> {
  const { sites, colours, samples: count } = configuration;
  const stream = random(session.seed);
  session.report({ kind: "stage", title: `Generalised Potts model: ${sites} sites, ${colours} colours, ${count} samples by Gibbs sampling` });
  const model = randomPotts(sites, colours, stream);
  const samples = gibbsSamples(model, count, stream);
  const truth = fixGauge(model.couplings, model.interactions, sites, colours);

  const exact = factoredPredictor(sites, colours);
  const everything = { positions: session.backend.tensor(model.couplings, [1, sites, sites]), values: session.backend.tensor(model.interactions, [colours, colours]) };
  const lossTensor = session.backend.scope(() => maskedLoss(exact, everything, samples));
  const [trueLoss] = await lossTensor.read();
  for (const tensor of [lossTensor, ...Object.values(everything)]) tensor.dispose();
  const runs: PottsRun[] = [];
  const save = (): Promise<void> => session.save({ truth: truth.couplings, trueLoss, runs });

  const factored = await train("factored", exact, samples, configuration, stream, session);
  const found = fixGauge(await factored.parameters.positions.read(), await factored.parameters.values.read(), sites, colours, truth.couplings);
  runs.push({
    attention: "factored",
    ...factored.run,
    couplings: found.couplings,
    couplingCorrelation: correlation(found.couplings, truth.couplings),
    interactionCorrelation: correlation(found.interactions, truth.interactions),
  });
  await save();

  const querying = softmaxPredictor(sites, colours);
  const softmax = await train("softmax", querying, samples, configuration, stream, session);
  const rows = batchOf(samples, Array.from({ length: count }, (_, row) => row), 0, Math.min(MAP_ROWS, count));
  const weightsTensor = session.backend.scope(() => querying.weights(softmax.parameters, rows));
  const weights = await weightsTensor.read();
  weightsTensor.dispose();
  const mean = new Float64Array(sites * sites);
  weights.forEach((weight, at) => (mean[at % mean.length] += weight / rows.shape[0]));
  // Weights are positive and know no gauge: only their pattern can be compared.
  const pairs = upperPairs(mean, sites);
  const values = fixGauge(mean, await softmax.parameters.values.read(), sites, colours);
  runs.push({
    attention: "softmax",
    ...softmax.run,
    couplings: pairs,
    couplingCorrelation: correlation(pairs, truth.couplings),
    absoluteCorrelation: correlation(pairs, truth.couplings.map(Math.abs)),
    interactionCorrelation: correlation(values.interactions, truth.interactions),
  });
  await save();
}

/** One layer of attention learns the generalised Potts model by masked prediction: are J and U recovered? */
export const potts: Study<PottsConfiguration, PottsMeasurements> = { name: "potts", run, present };
