import { ArgumentError } from "../../core/errors.js";
import { real, whole } from "../runner/options.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { TrainingState } from "../training/train.js";
import { report } from "./report.js";
import { drawPotts, lossOf, streamOf, trainOnce, type PottsData, type PottsRun } from "./train.js";

const attentions = ["factored", "softmax"] as const;

/** One training of a layer, with the couplings of the true model and its loss on the samples. */
interface PottsResult {
  readonly truth: readonly number[];
  readonly trueLoss: number;
  readonly run: PottsRun;
}

/**
 * One layer of attention learns the generalised Potts model by masked prediction: are couplings J and interactions U
 * recovered?
 */
export const potts = declareStudy({
  name: "potts",
  question: "one layer of attention learns a generalised Potts model: are its couplings recovered?",
  title: "Attention as a Potts model: are couplings recovered by masked prediction?",
  options: {
    sites: whole(10, { least: 3, most: 200, help: "sites" }),
    colours: whole(5, { least: 2, most: 100, help: "colours of a site" }),
    samples: whole(20_000, {
      least: 1,
      most: 1_000_000,
      help: "configurations to learn from, at least one batch of 1,000",
    }),
    batch: whole(1000, { least: 1, most: 100_000 }),
    epochs: whole(10, { least: 1, most: 10_000, help: "passes over the samples" }),
    restarts: whole(3, { least: 1, most: 3 }),
    learningRate: real(0.03, { least: 0, most: 1000 }),
  },
  check({ samples, batch }) {
    if (samples < batch)
      throw new ArgumentError({
        where: "study potts",
        argument: "--samples",
        wanted: `at least one batch, ${batch}`,
        got: String(samples),
      });
  },
  // log-probabilities of the loss over all samples, in float32
  bytes: ({ sites, colours, samples }) => 4 * samples * sites * colours,

  data(options, seed, inform) {
    const { sites, colours, samples } = options;
    inform({
      kind: "stage",
      title: `Generalised Potts model: ${sites} sites, ${colours} colours, ${samples} samples by Gibbs sampling`,
    });
    return Promise.resolve(drawPotts(options, streamOf(seed, options)));
  },

  tasks(options, seed) {
    const { restarts } = options;
    const taskOf = (
      attention: PottsRun["attention"],
      turn: number,
      start: number,
    ): Task<PottsData, PottsResult, TrainingState<null>> => ({
      name: `${attention} start ${start}`,
      depends: () => ({ configuration: options, seed }),
      async run(data, work) {
        const trueLoss = await lossOf(data.model, data.samples(), options, work.backend);
        const stream = streamOf(seed, options, turn * restarts + start);
        const run = await trainOnce(attention, `${attention} ${start} of ${restarts}`, stream, data, options, work);
        return { truth: data.truth.couplings, trueLoss, run: { attention, ...run } };
      },
    });
    return attentions.flatMap((attention, turn) =>
      Array.from({ length: restarts }, (_, index) => taskOf(attention, turn, index + 1)),
    );
  },

  /** The best training of each layer, by the mean loss of its last epoch. */
  gather(done: readonly PottsResult[], { samples, batch }) {
    const lastEpoch = ({ run: { losses } }: PottsResult): number =>
      losses.slice(-Math.floor(samples / batch)).reduce((a, b) => a + b, 0);
    const best = attentions.flatMap((attention) => {
      const own = done.filter(({ run }) => run.attention === attention);
      return own.length === 0
        ? []
        : [own.reduce((least, next) => (lastEpoch(least) <= lastEpoch(next) ? least : next))];
    });
    const { truth, trueLoss } = best[best.length - 1];
    return { truth, trueLoss, runs: best.map(({ run }) => run) };
  },

  report,
});
