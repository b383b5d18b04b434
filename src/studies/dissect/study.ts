import { latest } from "../comparison/seeds.js";
import { factsOption } from "../stored/inputs.js";
import { oneOf, optionalText, optionalWhole, setting, whole } from "../runner/options.js";
import { text } from "../runner/schema.js";
import { declareStudy, type Task } from "../runner/study.js";
import { dissectLayer, openForDissection, orientations, randomProjections, type LayerNumbers } from "./layers.js";
import { describeSizes } from "./report.js";
import type { DissectResult } from "./measurements.js";
import { report } from "./report.js";

/** Layer number of the control. */
const CONTROL = -1;

/** Numbers that the dissection of a layer depends on; they tell apart models of the same name. */
const numbersOf = ({ query, key, tokens }: LayerNumbers): Float64Array[] =>
  [...query, ...key, ...(tokens ?? [])].map((row) => Float64Array.from(row));

/** Singular modes of W_qᵀW_k in every head of a stored model: do tokens attend to similar tokens? */
export const dissect = declareStudy({
  name: "dissect",
  question: "singular modes of W_qᵀW_k in every head of a stored model: do tokens attend to similar tokens?",
  title: "Queries and keys dissected: do tokens attend to similar tokens?",
  group: "analyze",
  argument: {
    option: "model",
    help: "a file of weights (safetensors, PyTorch, NumPy, ONNX), its index of shards, or the folder",
  },
  backend: "cpu",
  seedOf: "the random layer for comparison",
  options: {
    model: setting("", text),
    modes: whole(4, { least: 1, most: 4096, help: "modes drawn for each layer" }),
    heads: optionalWhole({
      least: 1,
      most: 4096,
      help: "heads of a layer (default: as the file or the config.json beside it says)",
    }),
    prefix: optionalText({
      argument: "text",
      help: 'start of the names of the layers, if the file has several stacks of layers, such as "bert."',
    }),
    query: optionalText({
      argument: "names",
      help: 'names of W_q where they are not known, {} for the number of the layer, such as "blocks.{}.q.weight"',
    }),
    key: optionalText({ argument: "names", help: "names of W_k; needed with --query" }),
    fused: optionalText({ argument: "names", help: "names of matrices with W_q, W_k, W_v one below the other" }),
    stored: oneOf("auto", orientations, {
      help: "whether these are stored [out, in] or [in, out]; auto: out-in, for fused ones by their shape",
    }),
    inputs: optionalText({
      argument: "file",
      help:
        "a file with ids, pixels or vectors, of which one runs through the model, or with tokens " +
        "hidden_states.<layer> [n, width], to draw the modes on",
    }),
    row: whole(0, { least: 0, most: 1_000_000, help: "which of the inputs runs through the model, from 0" }),
    words: optionalText({
      argument: "file",
      help: "the words of ids: one a line (vocab.txt), or JSON of words and ids (vocab.json, tokenizer.json)",
    }),
    facts: factsOption,
  },

  /** Reads the headers of the model, which give the number of layers. */
  async tasks(options, seed) {
    const model = await openForDissection(options);
    const { summary } = model;
    const { sizes } = summary;
    const sizesAt = (layer: number) => sizes[layer === CONTROL ? 0 : layer];
    // a layer's numbers are read once, for `depends` and `run`
    const numbersAt = latest(async (layer): Promise<LayerNumbers> => {
      const own = sizesAt(layer);
      const [query, key] = layer === CONTROL ? randomProjections(own, seed) : await model.projections(layer);
      return { query, key, tokens: layer === CONTROL ? undefined : await model.tokens?.of(layer) };
    });
    const taskOf = (name: string, layer: number): Task<unknown, DissectResult> => ({
      name,
      stage: `${summary.file}: ${describeSizes(summary)}`,
      depends: async () => ({
        sizes: sizesAt(layer),
        modes: options.modes,
        numbers: numbersOf(await numbersAt(layer)),
      }),
      run: async (_, work) => ({
        model: summary,
        layer,
        dissected: await dissectLayer(sizesAt(layer), await numbersAt(layer), options.modes, name, work),
      }),
    });
    return [taskOf("random", CONTROL), ...sizes.map(({ label }, layer) => taskOf(`layer ${label}`, layer))];
  },

  /** The control, and the layers from the first on without a gap. */
  gather(done: readonly DissectResult[]) {
    const control = done.find(({ layer }) => layer === CONTROL)?.dissected;
    const found = done.filter(({ layer }) => layer !== CONTROL);
    const layers = found.filter(({ layer }, index) => layer === index).map(({ dissected }) => dissected);
    return control === undefined || layers.length === 0 ? undefined : { ...done[0].model, control, layers };
  },

  report,
});
