import { random } from "../../core/random.js";
import { ArgumentError } from "../../core/errors.js";
import { disposeTree, type Backend } from "../../core/tensor.js";
import { cloneTree } from "../../nn/trees.js";
import type { LoadedTransformer } from "../../weights/load-transformer.js";
import { seedsOf } from "../comparison/seeds.js";
import { contentOf } from "../corpus/dataset.js";
import { encoderKernel } from "../kernels.js";
import { factsOption, openTransformer, readStoredInputs, splitInputs } from "../stored/inputs.js";
import { kernelNames, optionalText, real, whole } from "../runner/options.js";
import { declareStudy, type Task, type Work } from "../runner/study.js";
import { evaluate, trainClassifier, type Examples } from "../training/classifier.js";
import { textExamples } from "../training/text-classifier.js";
import { STREAMS, textsBySeed, trainedOptions, trainedTransformer, unstored } from "../training/trained.js";
import type { TransplantRun } from "./measurements.js";
import { report } from "./report.js";

/** The name of the model whose kernel stays. */
const ORIGINAL = "original";

/** Examples of a seed, and the model before the change of its kernel. */
interface Source {
  examples(backend: Backend): { readonly train: Examples; readonly test: Examples };
  readonly content: unknown;
  model(work: Work): Promise<LoadedTransformer>;
}

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
    ...trainedOptions,
    tuning: whole(2, { least: 1, most: 1000, help: "epochs of tuning" }),
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
    const datasetOf = await textsBySeed(options);
    return (seed) => {
      const dataset = datasetOf(seed);
      return {
        examples: () => ({ train: textExamples(dataset.train), test: textExamples(dataset.test) }),
        content: contentOf(dataset),
        model: (work) => trainedTransformer(dataset, options, seed, unstored(work)),
      };
    };
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
