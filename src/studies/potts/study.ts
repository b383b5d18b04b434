import { mean } from "../../numerics/averages.js";
import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { TrainingState } from "../training/train.js";
import { pottsOptions } from "./options.js";
import { report, type PottsMeasurements } from "./report.js";
import { contenders, drawPotts, trainPredictor, type Contender, type PottsData, type PottsRun } from "./train.js";

/** One trained predictor, with the couplings of the true model and its loss on held-out samples. */
interface PottsResult {
  readonly truth: readonly number[];
  readonly trueLoss: number;
  readonly run: PottsRun;
}

/**
 * A layer of factored attention and encoders with softmax learn generalised Potts models by masked prediction: are
 * couplings J and interactions U recovered? For a seed all have the same samples and batches.
 */
export const potts = declareStudy({
  name: "potts",
  question: "one layer of factored attention and encoders of several layers learn a Potts model: who recovers it?",
  title: "Attention as a Potts model: are couplings recovered by masked prediction?",
  options: pottsOptions,
  check: contenders,
  // a response of the logits to every colour of every other site
  bytes: ({ sites, colours, samples }) => 4 * samples * sites + 8 * (sites * colours) ** 2,

  data: (options, _, inform) =>
    Promise.resolve(
      latest((seed): PottsData => {
        const { sites, colours, samples } = options;
        inform({
          kind: "note",
          text: `${samples} samples of a Potts model with ${sites} sites and ${colours} colours, seed ${seed}`,
        });
        return drawPotts(options, seed);
      }),
    ),

  tasks(options, first) {
    const taskOf = (
      contender: Contender,
      seed: number,
      start: number,
    ): Task<(seed: number) => PottsData, PottsResult, TrainingState<null>> => ({
      name: `${contender.kernel}${contender.starts === 1 ? "" : ` start ${start}`} seed ${seed}`,
      stage: `Seed ${seed}`,
      depends: () => ({
        ...options,
        seeds: undefined,
        layers: undefined,
        restarts: undefined,
        factoredRate: undefined,
        encoderRates: undefined,
        rate: contender.rate,
      }),
      async run(dataOf, work) {
        const data = dataOf(seed);
        const run = await trainPredictor(contender, { seed, start }, data, options, work);
        return { truth: data.truth.couplings, trueLoss: data.testLoss, run };
      },
    });
    return seedsOf(first, options).flatMap((seed) =>
      contenders(options).flatMap((contender) =>
        Array.from({ length: contender.starts }, (_, index) => taskOf(contender, seed, index + 1)),
      ),
    );
  },

  /** Of the starts of a predictor, the one with the least mean loss in the last epoch. */
  gather(done: readonly PottsResult[], { epochs }): PottsMeasurements | undefined {
    if (done.length === 0) return undefined;
    const lastEpoch = ({ losses }: PottsRun): number => mean(losses.slice(-losses.length / epochs));
    const best = new Map<string, PottsRun>();
    for (const { run } of done) {
      const place = `${run.kernel} seed ${run.seed}`;
      const known = best.get(place);
      if (known === undefined || !(lastEpoch(known) <= lastEpoch(run))) best.set(place, run);
    }
    return {
      truths: bySeed(done, ({ truth, trueLoss, run: { seed } }) => ({ seed, couplings: truth, loss: trueLoss })),
      runs: [...best.values()],
    };
  },

  report,
});
