import { random } from "../../core/random.js";
import { prepareDataset, summarize } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import { convergenceFields, type ConvergenceConfiguration } from "./configuration.js";
import { guaranteeRuns } from "./guarantee.js";
import { learningRuns } from "./learning.js";
import type { ConvergenceMeasurements, GuaranteeRun } from "./measurements.js";
import { present } from "./present.js";
import { chooseSample } from "./sample.js";

async function run(configuration: ConvergenceConfiguration, session: Session<ConvergenceMeasurements>): Promise<void> {
  const { data: path, guarantee, learning } = configuration;
  session.report({ kind: "stage", title: "Reading the texts" });
  const corpus = await openCorpus(path);
  const dataset = prepareDataset(corpus, { seed: session.seed, ...learning });
  const data = summarize(dataset);
  session.report({ kind: "note", text: `${data.name}: ${data.train} texts to train on, ${data.test} to test on, ${data.vocabulary} token ids` });

  session.report({ kind: "stage", title: "Part one: is it guaranteed? (single layer, gradient descent, CPU backend, float64)" });
  const sample = chooseSample(dataset.train, dataset.classes.length, random(session.seed), guarantee);
  const guaranteed: GuaranteeRun[] = [];
  for await (const finished of guaranteeRuns(sample, guarantee, session)) {
    guaranteed.push(finished);
    await session.save({ data, guarantee: guaranteed, learning: [] });
  }

  session.report({ kind: "stage", title: `Part two: does it learn? (two-layer encoder, Adam, ${session.backend.device.name})` });
  await learningRuns(dataset, learning, session, (runs) => session.save({ data, guarantee: guaranteed, learning: runs }));
}

/** Softmax and Gaussian attention on real text: what theory guarantees, what gradient descent does, and what an encoder learns. */
export const convergence: Study<ConvergenceConfiguration, ConvergenceMeasurements> = { name: "convergence", configuration: record(convergenceFields), run, present };
