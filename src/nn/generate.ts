import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { checkIndices, indices, type Indices } from "../core/indices.js";
import { generator, notNegative, numbers, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import type { KeyValueCache } from "../kernels/decode.js";
import type { AttentionKernel, KernelInput } from "../kernels/kernel.js";
import { sampleFrom } from "./sampling.js";

/** Options of `generate`. */
export interface GenerateOptions {
  /** New tokens, at most. Default: until the positions end. */
  readonly count?: number;
  /** Divides the logits. 0 takes the likeliest token. Default 1. */
  readonly temperature?: number;
  /** Only the `topK` likeliest tokens are drawn. Default: all. */
  readonly topK?: number;
  /** Draws the tokens; not needed at temperature 0. */
  readonly random?: Random;
}

const generateOptions: Kinds<GenerateOptions> = {
  count: whole(0),
  temperature: notNegative,
  topK: whole(1),
  random: generator,
};

/** A causal model that keeps keys and values in caches. */
export interface Writer {
  readonly vocabulary: number;
  /** The most positions. */
  readonly tokens: number;
  /** One cache a layer, for at least this many tokens. */
  readonly caches: (capacity: number) => readonly KeyValueCache[];
  /**
   * Logits [1, vocabulary] of the token after `ids` [1, n], the first of which is at `place`. Nothing else stays in
   * memory.
   */
  readonly next: (ids: Indices, place: number, caches: readonly KeyValueCache[]) => Tensor;
}

/** Inputs of a kernel that follow from the layer before. */
const passedOn = ({ inputs = [] }: AttentionKernel): readonly KernelInput[] =>
  inputs.filter(({ betweenLayers }) => betweenLayers !== undefined);

/** @throws ArgumentError for a kernel that would see later tokens. */
export function checkCausal(where: string, kernel: AttentionKernel): void {
  const between = passedOn(kernel);
  if (between.every(({ forQueries }) => forQueries !== undefined)) return;
  throw new ArgumentError({
    where,
    argument: "kernel",
    wanted: "one that sees no later tokens",
    got: `${kernel.name}, whose ${between[0].name} is that of all tokens`,
    fix: "For elliptical attention, take elliptical({ causal: true }).",
  });
}

/** @throws UnsupportedError for a kernel that needs more than cached keys and values. */
export function checkCached(where: string, kernel: AttentionKernel): void {
  if (passedOn(kernel).length === 0) return;
  throw new UnsupportedError({
    where,
    wanted: "a kernel whose inputs do not follow from the layer before",
    got: kernel.name,
    fix: "Call apply for every token.",
  });
}

/** The tokens that continue a prompt, one by one. Leaving the loop frees the caches. */
export function continueText(
  where: string,
  { vocabulary, tokens, caches: open, next }: Writer,
  prompt: ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<number> {
  checkArguments(where, { prompt }, { prompt: numbers });
  const {
    count = tokens - prompt.length,
    temperature = 1,
    topK,
    random,
  } = checkOptions(where, options, generateOptions);
  if (prompt.length < 1 || prompt.length + count > tokens) {
    throw new ArgumentError({
      where,
      argument: "prompt",
      wanted: `ids, and with the new ones at most ${tokens}, the positions of the model`,
      got: `${prompt.length} and ${count} new ones`,
      fix: "Take the last ids of the prompt, or ask for fewer new ones.",
    });
  }
  const first = indices(prompt, [1, prompt.length]);
  checkIndices(where, "prompt", first, vocabulary);
  const choose = sampleFrom({ temperature, topK, random });
  async function* continued(): AsyncGenerator<number> {
    const caches = open(prompt.length + count);
    try {
      let [ids, place] = [first, 0];
      for (let made = 0; made < count; made++) {
        const logits = next(ids, place, caches);
        const id = choose(await logits.read().finally(() => logits.dispose()));
        place += ids.shape[1];
        ids = indices([id], [1, 1]);
        yield id;
      }
    } finally {
      for (const cache of caches) cache.dispose();
    }
  }
  return continued();
}
