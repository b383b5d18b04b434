import { disposeTree } from "../../core/tensor.js";
import { bySeed, seedsOf } from "../comparison/seeds.js";
import { contentOf, summarize, type Dataset, type DataSummary } from "../corpus/dataset.js";
import { PADDING } from "../corpus/vocabulary.js";
import { joinParts, measureRelevance, parts, type RelevancePart } from "../relevance/measure.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import type { TrainingState } from "../training/train.js";
import { textsBySeed, trainedOptions, trainedTransformer } from "../training/trained.js";
import type { FreezeMeasurements, FrozenRun } from "./measurements.js";
import { report } from "./report.js";

interface FreezeResult {
  readonly data: DataSummary;
  /** Share of the test texts that are padded. */
  readonly padded: number;
  readonly run: FrozenRun;
}

/** The share of test texts with fewer words than the encoder reads. */
function paddedShare({ test: { ids, tokens, count } }: Dataset): number {
  const isPadded = (row: number): boolean => ids[(row + 1) * tokens - 1] === PADDING;
  return Array.from({ length: count }, (_, row) => row).filter(isPadded).length / count;
}

/** Encoders trained on texts, and what they lose if their attention maps are frozen to their means. */
export const freeze = declareStudy({
  name: "freeze",
  question: "encoders trained on texts with attention maps frozen to their means: are queries and keys needed?",
  title: "Trained encoders with frozen attention maps: are queries and keys needed?",
  options: trainedOptions,
  data: (options) => textsBySeed(options),

  tasks: (options, first) =>
    seedsOf(first, options).map((seed): Task<(seed: number) => Dataset, FreezeResult, TrainingState<EpochResult>> => ({
      name: `seed ${seed}`,
      depends: (datasetOf) => ({ ...options, seeds: undefined, content: contentOf(datasetOf(seed)) }),
      async run(datasetOf, work) {
        const dataset = datasetOf(seed);
        const { count, tokens, ids, labels } = dataset.test;
        const model = await trainedTransformer(dataset, options, seed, work);
        try {
          const inputs = { count, kind: "ids", shape: [count, tokens], numbers: ids, labels } as const;
          const found: RelevancePart[] = [];
          for (const part of parts) found.push(await measureRelevance(`seed ${seed}`, model, inputs, part, work));
          const { dependence, plain, single, layers, rising, falling } = joinParts(found);
          return {
            data: summarize(dataset),
            padded: paddedShare(dataset),
            run: { seed, count, dependence, plain, single, layers, rising, falling },
          };
        } finally {
          disposeTree(model.parameters);
        }
      },
    })),

  gather: (done: readonly FreezeResult[]): FreezeMeasurements | undefined =>
    done.length === 0
      ? undefined
      : {
          data: bySeed(done, ({ data }) => data),
          padded: bySeed(done, ({ padded }) => padded),
          runs: done.map(({ run }) => run),
        },
  report,
});
