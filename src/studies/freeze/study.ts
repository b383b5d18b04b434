import { DataError } from "../../core/errors.js";
import { disposeTree } from "../../core/tensor.js";
import { bySeed, seedsOf } from "../comparison/seeds.js";
import { contentOf, rowsOf, summarize, type Dataset, type DataSummary } from "../corpus/dataset.js";
import { PADDING } from "../corpus/vocabulary.js";
import type { StoredInputs } from "../stored/inputs.js";
import { joinParts, measureRelevance, parts, type RelevancePart } from "../relevance/measure.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import type { TrainingState } from "../training/train.js";
import { textsBySeed, trainedOptions, trainedTransformer } from "../training/trained.js";
import type { FreezeMeasurements, FrozenRun } from "./measurements.js";
import { report } from "./report.js";

interface FreezeResult {
  readonly data: DataSummary;
  readonly run: FrozenRun;
}

/** The test texts without padding: where it stands depends on the text, and so would the maps of any head. */
function fullTexts({ name, test }: Dataset): StoredInputs & { readonly labels: Int32Array } {
  const { ids, tokens, labels, count } = test;
  const rows = Array.from({ length: count }, (_, row) => row).filter((row) => ids[(row + 1) * tokens - 1] !== PADDING);
  if (rows.length === 0) {
    throw new DataError({
      where: "study freeze",
      argument: name,
      wanted: `test texts of ${tokens} words or more`,
      got: "none",
      fix: "Give fewer --tokens.",
    });
  }
  const numbers = rowsOf(test, rows);
  const own = Int32Array.from(rows, (row) => labels[row]);
  return { count: rows.length, kind: "ids", shape: [rows.length, tokens], numbers, labels: own };
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
        const inputs = fullTexts(dataset);
        const model = await trainedTransformer(dataset, options, seed, work);
        try {
          const found: RelevancePart[] = [];
          for (const part of parts) found.push(await measureRelevance(`seed ${seed}`, model, inputs, part, work));
          const { count, dependence, plain, single, layers, rising, falling } = joinParts(found);
          return {
            data: summarize(dataset),
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
          runs: done.map(({ run }) => run),
        },
  report,
});
