import { latest } from "../comparison/seeds.js";
import { optionalText, optionalWhole, setting, whole } from "../runner/options.js";
import { text } from "../runner/schema.js";
import { declareStudy, type Task } from "../runner/study.js";
import { dissectLayer, openForDissection, randomProjections, readInputs, type LayerNumbers } from "./layers.js";
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
    help: "a .safetensors file of BERT, RoBERTa, ViT or DeiT, its index of shards, or the folder",
  },
  backend: "cpu",
  seedOf: "the random layer for comparison",
  options: {
    model: setting("", text),
    modes: whole(4, { least: 1, most: 4096, help: "modes drawn for each layer" }),
    heads: optionalWhole({
      least: 1,
      most: 4096,
      help: "heads of a layer (default: from config.json beside the model, else 64 columns a head)",
    }),
    prefix: optionalText({
      argument: "text",
      help: 'prefix of an encoder, if the file has several encoders, such as "bert."',
    }),
    inputs: optionalText({
      argument: "file",
      help: "a .safetensors file with tokens hidden_states.<layer> [n, width], to draw the modes' attention maps on",
    }),
  },

  /** Reads the headers of the model, which give the number of layers. */
  async tasks(options, seed) {
    const model = await openForDissection(options);
    const { summary, inputs } = model;
    const { heads, layerCount, file, width } = summary;
    // a layer's numbers are read once, for `depends` and `run`
    const numbersAt = latest(async (layer): Promise<LayerNumbers> => {
      const [query, key] = layer === CONTROL ? randomProjections(model, seed) : await model.projections(layer);
      return { query, key, tokens: inputs && layer !== CONTROL ? await readInputs(inputs, layer, width) : undefined };
    });
    const taskOf = (name: string, layer: number): Task<unknown, DissectResult> => ({
      name,
      stage: `${file}: ${layerCount} layers, width ${width}, ${heads} heads of ${model.dim} (${summary.headsFrom})`,
      depends: async () => ({ heads, modes: options.modes, numbers: numbersOf(await numbersAt(layer)) }),
      run: async (_, work) => ({
        model: summary,
        layer,
        dissected: await dissectLayer(model, await numbersAt(layer), options.modes, name, work),
      }),
    });
    return [
      taskOf("random", CONTROL),
      ...Array.from({ length: layerCount }, (_, layer) => taskOf(`layer ${layer}`, layer)),
    ];
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
