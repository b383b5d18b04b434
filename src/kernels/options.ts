import { alias, having, listOf, positive, tensor, whole, type Kind } from "../core/kinds.js";
import type { Kinds } from "../core/options.js";
import type { Bias } from "./bias.js";
import type { AttentionInputs, AttentionKernel, AttentionOptions, ComposedKernel, TiledKernel } from "./kernel.js";
import { maskKind } from "./mask.js";

const CALL = "A kernel is what its factory returns: softmax(), gaussian({ gamma: 0.5 }).";

export const tiledKernel = having<TiledKernel>(
  "an attention kernel with scores of its own for every pair, such as softmax()",
  ["name", "formula", "parameters", "shaders"],
  CALL,
);
const composedKernel = having<ComposedKernel>("", ["name", "compose"]);

export const attentionKernel: Kind<AttentionKernel> = {
  wanted: "an attention kernel, such as softmax()",
  holds: (value): value is AttentionKernel => tiledKernel.holds(value) || composedKernel.holds(value),
  fix: CALL,
};

export const attentionInputs = having<AttentionInputs>("an object of tensors q, k and v", ["q", "k", "v"]);

const relativeBias = having<Exclude<Bias, { shape: unknown }>>("", ["relative"]);

const biasKind: Kind<Bias> = {
  wanted: "a tensor, or what relativeBias() or alibi() gives",
  holds: (value): value is Bias => tensor.holds(value) || (relativeBias.holds(value) && tensor.holds(value.relative)),
  fix: tensor.fix,
};

const CAUSAL = "mask: causal()";
const BOOLEAN = "mask: booleanMask(values, shape)";

export const attentionOptions: Kinds<AttentionOptions> = {
  mask: alias(maskKind, {
    causal: CAUSAL,
    iscausal: CAUSAL,
    attnmask: BOOLEAN,
    attentionmask: BOOLEAN,
    keypaddingmask: "mask: lengths({ keys }), or booleanMask(values, [batch, 1, 1, m])",
    windowsize: "mask: slidingWindow(width)",
  }),
  bias: alias(biasKind, { attnbias: "bias" }),
  softcap: positive,
};

/** The extents of a periodic lattice. */
export const extents: Kind<readonly number[]> = listOf(whole(1));
