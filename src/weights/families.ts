import type { Family } from "./family.js";
import { bert, distilbert, roberta } from "./families/bert.js";
import { gpt2, llama, phi3, qwen3 } from "./families/decoders.js";
import { decoder, encoder, torch } from "./families/stacks.js";
import { timm, vit } from "./families/vision.js";

/** The families of models that `loadTransformer` runs. */
export const families: readonly Family[] = [
  ...[bert, roberta, distilbert, vit, timm, torch],
  ...[gpt2, llama, qwen3, phi3, encoder, decoder],
];
