import { indices } from "../../core/indices.js";
import { rowsOf, type Dataset, type EncodedExamples } from "../corpus/dataset.js";
import type { Work } from "../runner/study.js";
import type { EpochResult, Examples } from "./classifier.js";
import { trainEncoderClassifier, type EncoderTrainOptions, type TrainedEncoder } from "./encoder-classifier.js";
import type { TrainingState } from "./train.js";

/** Encoded texts as examples of a classifier. */
export const textExamples = (texts: EncodedExamples): Examples => ({
  labels: texts.labels,
  inputs: (rows) => indices(rowsOf(texts, rows), [rows.length, texts.tokens]),
});

/** `trainEncoderClassifier` on texts. */
export const trainTextClassifier = <Result>(
  { vocabulary, classes, train, test }: Dataset,
  options: EncoderTrainOptions,
  work: Work<TrainingState<EpochResult>>,
  use: (trained: TrainedEncoder) => Result | Promise<Result>,
): Promise<Result> =>
  trainEncoderClassifier(
    {
      vocabulary: vocabulary.size,
      classes: classes.length,
      tokens: train.tokens,
      train: textExamples(train),
      test: textExamples(test),
    },
    options,
    work,
    use,
  );
