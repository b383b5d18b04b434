import { meanInterval } from "../../numerics/mean-interval.js";
import { formatPercent } from "../report/report.js";
import type { EllipticalMeasurements, Experiment } from "./measurements.js";
import type { EllipticalOptions } from "./options.js";

const mean = (values: readonly number[]): number => meanInterval(values).mean;

/** What the tables of an experiment are to be compared with. */
export function notesOf({ texts, windows }: EllipticalMeasurements): Readonly<Record<Experiment, () => string>> {
  const interval = "In brackets: Student's 95 % interval of the mean.";
  return {
    text: () =>
      `${interval} Always answering the most frequent class: ` +
      `${formatPercent(mean(texts.map(({ majority }) => majority)))} of clean texts.`,
    language: () =>
      "Perplexity is e to the mean loss over words and seeds. In brackets: its interval, from Student's 95 % " +
      "interval of that mean. Unigram baseline (word frequencies alone) on clean words: " +
      `${Math.exp(mean(windows.map(({ frequencyLoss }) => frequencyLoss))).toFixed(1)}. ` +
      `${formatPercent(mean(windows.map(({ unknownShare }) => unknownShare)))} of the clean words are outside the ` +
      "vocabulary; these count as one word.",
    images: () => interval,
  };
}

/** What was trained and how it is tested, in words. */
export function setupOf(
  { texts, windows, images }: EllipticalMeasurements,
  { attack, width, hidden, heads, layers, text, language, image }: EllipticalOptions,
): string {
  const encoders = `Encoders of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads)`;
  if (images.length > 0) {
    const [{ name, side, train, test }] = images;
    return (
      `${name}. ${encoders} learn to classify ${train} clean pictures of ${side} × ${side} pixels in patches of ` +
      `${image.patch} × ${image.patch}, by Adam at rate ${image.learningRate} in ${image.epochs} epochs. ` +
      `${test} other pictures are tested with noise and with occlusion. Noise of 30 % is normal with a standard ` +
      "deviation of 0.3, where black is 0 and white is 1. At 30 % occlusion each patch is black with probability " +
      "0.3. For a seed every kernel has the same pictures, start, batches, number of steps, noise and patches."
    );
  }
  return (
    `${texts[0].name}. ${encoders} ` +
    `learn from clean texts: to classify ${texts[0].train} texts by their first ${text.tokens} words, ` +
    `and to predict the next of ${windows[0].vocabulary} ids in ${windows[0].train} windows of ` +
    `${language.tokens} words, seeing those before it. Tests on other texts swap each token, with the ` +
    `probability given, for ${attack === "rare" ? "the rarest known word" : "a random known word"}; the words to ` +
    "predict stay as they were, or are those of the contaminated text. For a seed every kernel has the same texts, " +
    "start, batches, number of steps and contamination."
  );
}
