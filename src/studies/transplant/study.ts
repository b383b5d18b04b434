import { random } from "../../core/random.js";
import { ArgumentError } from "../../core/errors.js";
import { disposeTree, type Backend } from "../../core/tensor.js";
import { softmax } from "../../kernels/softmax.js";
import { cloneTree, stateDict } from "../../nn/trees.js";
import { loadTransformer, type LoadedTransformer } from "../../weights/load-transformer.js";
import { encodeSafetensors, openSafetensors } from "../../weights/safetensors.js";
import { latest, seedsOf } from "../comparison/seeds.js";
import { contentOf, prepareDataset, type Dataset } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { encoderKernel } from "../kernels.js";
import { dataOption, modelOptions, splitOptions, trainingOptions } from "../options.js";
import { factsOption, openTransformer, readStoredInputs, splitInputs } from "../relevance/inputs.js";
import { kernelNames, optionalText, real, whole } from "../runner/options.js";
import { declareStudy, type Task, type Work } from "../runner/study.js";
import { evaluate, trainClassifier, type Examples } from "../training/classifier.js";
import { textExamples, trainTextClassifier } from "../training/text-classifier.js";
import type { EncoderSettings } from "../training/train.js";
import type { TransplantRun } from "./measurements.js";
import { report } from "./report.js";

/** Random streams per seed: split, weights, order of the training, order of the tuning, what kernels learn. */
const STREAMS = 5;
/** The name of the model whose kernel stays. */
const ORIGINAL = "original";

/** Examples of a seed, and the model before the change of its kernel. */
interface Source {
  examples(backend: Backend): { readonly train: Examples; readonly test: Examples };
  readonly content: unknown;
  model(work: Work): Promise<LoadedTransformer>;
}

/** A `Work` that stores nothing: the trainings within a task start again if the task is stopped. */
const unstored = <State>(work: Work): Work<State> => ({
  ...work,
  state: undefined,
  isDue: () => false,
  store: () => Promise.resolve(),
});

/** The same weights with another kernel, before and along tuning. */
export const transplant = declareStudy({
  name: "transplant",
  question: "the same weights with another attention kernel: what is lost, and does tuning bring it back?",
  title: "A change of kernel",
  options: {
    kernels: kernelNames(
      ["gaussianNormalized", "gaussian", "sigmoid"],
      "names of the kernels to change to, separated by commas",
    ),
    seeds: whole(3, { least: 1, most: 1000, help: "splits, starts and orders" }),
    ...splitOptions({ tokens: 24, train: 512, test: 256, vocabulary: 2000 }, "words of a text"),
    ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
    ...trainingOptions({ batch: 32, epochs: 6, learningRate: 0.003 }),
    tuning: whole(4, { least: 1, most: 1000, help: "epochs of tuning" }),
    tuningRate: real(0.001, { least: 0, most: 1000, help: "learning rate of tuning" }),
    model: optionalText({
      argument: "file",
      help: "a stored model that loadTransformer runs, instead of one trained here",
    }),
    inputs: optionalText({
      argument: "file",
      help: "its examples: a .safetensors file with ids or pixels, and labels",
    }),
    facts: factsOption,
    data: dataOption,
  },
  check({ kernels, model, inputs }) {
    kernels.forEach((name) => encoderKernel(name));
    if ((model === undefined) === (inputs === undefined)) return;
    throw new ArgumentError({
      where: "study transplant",
      argument: model === undefined ? "--model" : "--inputs",
      wanted: "a file, as the model's examples and the model belong together",
      got: "nothing",
    });
  },

  async data(options): Promise<(seed: number) => Source> {
    const { model: path, inputs, facts, train, test } = options;
    if (path !== undefined && inputs !== undefined) {
      const stored = await readStoredInputs(inputs);
      return (seed) => ({
        ...splitInputs(stored, random(STREAMS * seed), { train, test }),
        model: (work) => openTransformer(work.backend, path, facts),
      });
    }
    const corpus = await openCorpus(options.data);
    return latest((seed): Source => {
      const dataset = prepareDataset(corpus, { ...options, seed: STREAMS * seed });
      return {
        examples: () => ({ train: textExamples(dataset.train), test: textExamples(dataset.test) }),
        content: contentOf(dataset),
        model: (work) => trained(dataset, options, seed, work),
      };
    });
  },

  tasks(options, first) {
    const { kernels, tuning, tuningRate, batch } = options;
    const taskOf = (seed: number): Task<(seed: number) => Source, readonly TransplantRun[]> => ({
      name: `seed ${seed}`,
      depends: (sourceOf) => ({ ...options, seeds: undefined, content: sourceOf(seed).content }),
      async run(sourceOf, work) {
        const source = sourceOf(seed);
        const examples = source.examples(work.backend);
        const base = await source.model(work);
        const runs: TransplantRun[] = [];
        try {
          const before = await evaluate(base, base.parameters, examples.test, work);
          for (const name of [ORIGINAL, ...kernels]) {
            const kernel = name === ORIGINAL ? undefined : encoderKernel(name);
            const drawn = random(STREAMS * seed + 4);
            const changed = kernel === undefined ? base : base.withKernel(kernel, { random: drawn });
            const parameters = kernel === undefined ? cloneTree(base.parameters) : changed.parameters;
            try {
              const after = await evaluate(changed, parameters, examples.test, work);
              const settings = {
                label: `${name}, seed ${seed}`,
                batch,
                epochs: tuning,
                learningRate: tuningRate,
                seed: STREAMS * seed + 3,
                measured: () => Promise.resolve(),
              };
              const { epochs, losses } = await trainClassifier(changed, parameters, examples, settings, unstored(work));
              runs.push({ kernel: name, seed, before, after, epochs, losses });
            } finally {
              disposeTree(parameters);
            }
          }
          return runs;
        } finally {
          disposeTree(base.parameters);
        }
      },
    });
    return seedsOf(first, options).map(taskOf);
  },

  gather: (done: readonly (readonly TransplantRun[])[]) => (done.length === 0 ? undefined : { runs: done.flat() }),
  report: ({ runs }, options) => report(runs, options),
});

/** An encoder with softmax that was trained on the texts. */
async function trained(
  dataset: Dataset,
  options: EncoderSettings,
  seed: number,
  work: Work,
): Promise<LoadedTransformer> {
  const { width, hidden, heads, layers, batch, epochs, learningRate } = options;
  const settings = {
    ...{ width, hidden, heads, layers, batch, epochs, learningRate },
    kernel: softmax(),
    label: `training, seed ${seed}`,
    start: STREAMS * seed + 1,
    seed: STREAMS * seed + 2,
    measured: () => Promise.resolve(),
  };
  return trainTextClassifier(dataset, settings, unstored(work), async ({ parameters }) => {
    const file = await openSafetensors(encodeSafetensors(await stateDict(parameters)));
    return loadTransformer(work.backend, file, { heads, norm: "pre" });
  });
}
