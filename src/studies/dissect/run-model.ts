import { paddedCall } from "../../analysis/head-maps.js";
import { ArgumentError, DataError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { isRecord } from "../../core/kinds.js";
import { disposeTree } from "../../core/tensor.js";
import { mean } from "../../numerics/averages.js";
import { cpu } from "../../cpu/cpu.js";
import { rowsOf } from "../../numerics/rows.js";
import { readTextFile } from "../files.js";
import { inputRows, openTransformer, type StoredInputs } from "../stored/inputs.js";
import type { DrawnInput } from "../report/over-input.js";

type Rows = readonly (Float32Array | Float64Array)[];

/** What runs through a model: one of the inputs of a file. */
export interface ModelInput {
  readonly model: string;
  readonly facts: string | undefined;
  /** The number of heads, where it is given. */
  readonly heads: number | undefined;
  readonly stored: StoredInputs;
  /** Which of the inputs, from 0. */
  readonly row: number;
  /** A file of the words of ids. */
  readonly words: string | undefined;
}

/** The tokens that enter the layers of a model, and the input, to draw on. */
export interface EnteringTokens {
  readonly drawn: DrawnInput;
  /** By layer, [n, D] each. */
  readonly layers: readonly Rows[];
}

/** Pixels of a side of a drawn picture; larger ones are sampled. */
const MOST_PIXELS = 128;
/** Most bytes of a file of words. */
const LONGEST_WORDS = 50_000_000;

/** The words of ids: one a line, or JSON of words and their ids, also as `model.vocab` of tokenizer.json. */
async function readWords(path: string): Promise<(id: number) => string> {
  const ids = await readTextFile(
    "analyze dissect",
    path,
    (text): Map<number, string> => {
      if (!text.trimStart().startsWith("{")) return new Map(text.split(/\r?\n/).map((word, id) => [id, word]));
      const whole = parseJson(text);
      const model = isRecord(whole) && isRecord(whole.model) && isRecord(whole.model.vocab) ? whole.model.vocab : whole;
      return new Map(Object.entries(model as Record<string, unknown>).map(([word, id]) => [Number(id), word]));
    },
    LONGEST_WORDS,
  );
  return (id) => ids.get(id)?.replace(/^[Ġ▁]/, "") ?? String(id);
}

/** A picture [channels, height, width] in grey: the mean of its channels, from its least to its most number. */
function pictureOf(pixels: ArrayLike<number>, [channels, height, width]: readonly number[], patch: number, n: number) {
  const [down, across] = [height, width].map((side) => Math.min(side, MOST_PIXELS));
  const grey = Array.from({ length: down * across }, (_, at) => {
    const [row, column] = [
      Math.floor((Math.floor(at / across) * height) / down),
      Math.floor(((at % across) * width) / across),
    ];
    const own = Array.from({ length: channels }, (_all, channel) => pixels[(channel * height + row) * width + column]);
    return mean(own);
  });
  const [least, most] = [Math.min(...grey), Math.max(...grey)];
  const levels = grey.map((value) => (most > least ? Math.round((255 * (value - least)) / (most - least)) : 0));
  const patches = [width / patch, height / patch] as const;
  const special = n - patches[0] * patches[1];
  return { kind: "picture", width: across, height: down, levels, patches, special } as const;
}

/**
 * Runs one input through a model, and gives the tokens that the projections of every layer read.
 *
 * @throws ArgumentError for an input that the file does not have.
 */
export async function runInput({ model: path, facts, heads, stored, row, words }: ModelInput): Promise<EnteringTokens> {
  if (row >= stored.count) {
    const wanted = `one of ${stored.count} inputs, from 0`;
    throw new ArgumentError({ where: "analyze dissect", argument: "--row", wanted, got: String(row) });
  }
  const model = await openTransformer(cpu, path, facts, heads === undefined ? {} : { heads });
  try {
    const own = inputRows(stored, [row], cpu);
    const all: Promise<Float32Array | Float64Array>[] = [];
    const width = model.design.width;
    model.encode(model.parameters, own.input, {
      ...paddedCall(own),
      observe: ({ entering }) => void all.push(entering.read()),
    });
    const layers = (await Promise.all(all)).map((numbers) => {
      const rows = rowsOf(numbers, width);
      return own.lengths === undefined ? rows : rows.slice(0, own.lengths[0]);
    });
    const n = layers[0].length;
    const size = stored.numbers.length / stored.count;
    const numbers = Array.from({ length: size }, (_, at) => stored.numbers[row * size + at]);
    const wordOf = words === undefined ? String : await readWords(words);
    const drawn: DrawnInput =
      stored.kind === "pixels"
        ? pictureOf(numbers, stored.shape.slice(1), model.design.patch!, n)
        : {
            kind: "text",
            tokens: Array.from({ length: n }, (_, at) => (stored.kind === "ids" ? wordOf(numbers[at]) : String(at))),
          };
    return { drawn, layers };
  } finally {
    disposeTree(model.parameters);
  }
}

/** The tokens that enter a layer of the file, which must be as wide and as many as those of the model that was run. */
export function tokensOfLayer({ layers }: EnteringTokens, layer: number, count: number, width: number): Rows {
  const rows = layers.at(layer);
  if (rows !== undefined && layers.length === count && rows[0].length === width) return rows;
  throw new DataError({
    where: "analyze dissect",
    argument: "--inputs",
    wanted: `${layers.length} layers of width ${layers[0][0].length}, as the model has that was run`,
    got: `${count} layers, the one at ${layer} of width ${width}`,
    fix: "Choose that stack of layers by --prefix, or give hidden_states.<layer> for the others.",
  });
}
