import { stateDict } from "../../nn/trees.js";
import { ArgumentError } from "../../core/errors.js";
import { disposeTree } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { optionalText, setting } from "../runner/options.js";
import { text } from "../runner/schema.js";
import { declareStudy, type Task } from "../runner/study.js";
import { factsOption, openTransformer, readStoredInputs, type StoredInputs } from "../stored/inputs.js";
import { joinParts, measureRelevance, parts, type RelevancePart } from "./measure.js";
import { report } from "./report.js";

/** How much the attention maps of a stored model depend on its inputs, and what it loses without that. */
export const relevance = declareStudy({
  name: "relevance",
  question: "input dependence of every head's attention map in a stored model: are queries and keys needed?",
  title: "Are queries and keys needed?",
  group: "analyze",
  argument: {
    option: "model",
    help: "a .safetensors file that loadTransformer runs, its index of shards, or the folder",
  },
  seedOf: "nothing",
  options: {
    model: setting("", text),
    inputs: optionalText({
      argument: "file",
      help: "a .safetensors file with ids, pixels or vectors, and labels and lengths if there are any",
    }),
    facts: factsOption,
  },
  check({ inputs }) {
    if (inputs !== undefined) return;
    throw new ArgumentError({
      where: "analyze relevance",
      argument: "--inputs",
      wanted: "a .safetensors file with a tensor ids [count, n], pixels or vectors",
      got: "nothing",
    });
  },
  data: ({ inputs }) => readStoredInputs(inputs!),
  tasks: ({ model: path, facts }) =>
    parts.map((part): Task<StoredInputs, RelevancePart> => ({
      name: part,
      async depends(inputs) {
        const model = await openTransformer(cpu, path, facts);
        return { design: model.design, state: await stateDict(model.parameters), inputs };
      },
      async run(inputs, work) {
        const model = await openTransformer(work.backend, path, facts);
        try {
          return await measureRelevance(path, model, inputs, part, work);
        } finally {
          disposeTree(model.parameters);
        }
      },
    })),
  gather: (done: readonly RelevancePart[]) => (done.length < parts.length ? undefined : joinParts(done)),
  report: (measurements) => report(measurements),
});
