import { random } from "../../core/random.js";
import { contentOf, prepareDataset, summarize, type Dataset, type DataSummary } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import { trainTextClassifier } from "../training/text-classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { kernels, measureGuarantee, subsets } from "./guarantee.js";
import type { GuaranteeRun, KernelName, LearningRun } from "./measurements.js";
import { convergenceOptions } from "./options.js";
import { report } from "./report.js";
import { chooseSample, type Sample } from "./sample.js";

interface Texts {
  readonly dataset: Dataset;
  readonly summary: DataSummary;
  readonly sample: Sample;
}

interface ConvergenceResult {
  readonly data: DataSummary;
  readonly guarantee?: GuaranteeRun;
  readonly learning?: LearningRun;
}

const kernelNames = Object.keys(kernels) as KernelName[];

/** Softmax and Gaussian attention on real text: theory's guarantees, gradient descent, and training of an encoder. */
export const convergence = declareStudy({
  name: "convergence",
  question: "softmax and Gaussian attention on real text: is convergence guaranteed, and does an encoder learn?",
  title: "Does attention converge? Softmax and Gaussian kernels on text",
  options: convergenceOptions,
  presets: {
    // every text, at the papers' length
    full: {
      help: "the papers' scale, for a hardware adapter",
      options: {
        scale: "full",
        guarantee: { steps: 20_000 },
        learning: {
          tokens: 1024,
          train: 4800,
          test: 960,
          vocabulary: 20_000,
          batch: 32,
          epochs: 10,
          learningRate: 1e-3,
        },
      },
    },
  },

  async data({ data, guarantee, learning }, seed, inform): Promise<Texts> {
    const dataset = prepareDataset(await openCorpus(data), { seed, ...learning });
    const summary = summarize(dataset);
    inform({
      kind: "note",
      text:
        `${summary.name}: ${summary.train} texts to train on, ${summary.test} to test on, ` +
        `${summary.vocabulary} token ids`,
    });
    return { dataset, summary, sample: chooseSample(dataset.train, dataset.classes.length, random(seed), guarantee) };
  },

  tasks({ guarantee, learning }, seed) {
    const guaranteed = kernelNames.flatMap((kernel) =>
      subsets.map((trained): Task<Texts, ConvergenceResult> => ({
        name: `guarantee ${kernel} ${trained.join("+")}`,
        stage: "Part one: is it guaranteed? (single layer, gradient descent, CPU backend, float64)",
        depends: ({ sample }) => ({ sample, configuration: guarantee, seed }),
        run: async ({ summary, sample }, work) => ({
          data: summary,
          guarantee: await measureGuarantee({ kernel, trained, sample, options: guarantee, seed }, work),
        }),
      })),
    );
    const learned = kernelNames.map((kernel): Task<Texts, ConvergenceResult, TrainingState<EpochResult>> => ({
      name: `encoder ${kernel}`,
      stage: "Part two: does it learn? (encoder, Adam)",
      depends: ({ dataset }) => ({ configuration: learning, seed, data: contentOf(dataset) }),
      async run({ summary, dataset }, work) {
        const resultOf = ({ epochs, losses }: TrainingSoFar<EpochResult>): ConvergenceResult => ({
          data: summary,
          learning: { kernel, epochs, curve: { steps: losses.map((_, step) => step + 1), losses } },
        });
        const training = { ...learning, kernel: kernels[kernel], label: kernel, start: seed, seed: seed + 1 };
        return trainTextClassifier(
          dataset,
          { ...training, measured: (soFar) => work.measured(resultOf(soFar)) },
          work,
          resultOf,
        );
      },
    }));
    return [...guaranteed, ...learned];
  },

  gather: (done: readonly ConvergenceResult[]) => ({
    data: done[0].data,
    guarantee: done.flatMap(({ guarantee }) => guarantee ?? []),
    learning: done.flatMap(({ learning }) => learning ?? []),
  }),

  report,
});
