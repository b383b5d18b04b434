import {
  add,
  concat,
  embedding,
  expand,
  layerNorm,
  matmul,
  mean,
  multiply,
  reshape,
  slice,
  tanh,
} from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { indices, type Indices } from "../core/indices.js";
import { isTensor } from "../core/is-tensor.js";
import { formatShape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { activations, type Activation } from "./activations.js";
import type { MultiHeadParameters } from "./multi-head.js";
import { rmsNorm } from "./rms-norm.js";

/** W [rows, columns] and b. A layer without W takes that of the embedding, transposed. */
export interface Affine {
  readonly weight?: Tensor;
  readonly bias?: Tensor;
}

/** Scale and shift [width] of a norm. */
interface Norm {
  readonly scale: Tensor;
  readonly shift?: Tensor;
}

/** The tensors of a layer. */
export interface LayerParts {
  readonly attentionNorm: Norm;
  readonly attention: MultiHeadParameters;
  /** Norms of the queries and keys of each head, before their rotation; their scales [d] are shared by heads. */
  readonly queryNorm?: Norm;
  readonly keyNorm?: Norm;
  readonly feedForwardNorm: Norm;
  readonly expand: Affine;
  /** Multiplies what `expand` gives by its activation, in gated feed-forward layers. */
  readonly gate?: Affine;
  readonly contract: Affine;
}

/** The tensors of a model. */
export interface ModelParts {
  /** [vocabulary, width] */
  readonly embedding?: Tensor;
  /** From the pixels of a patch to a token. */
  readonly patch?: Affine;
  /** Tokens [width] that stand before those of the input. */
  readonly special?: readonly Tensor[];
  /** [positions, width] */
  readonly positions?: Tensor;
  /** [types, width] */
  readonly tokenTypes?: Tensor;
  readonly embeddingNorm?: Norm;
  readonly layers: readonly LayerParts[];
  readonly norm?: Norm;
  /** The layers of every branch of the head. */
  readonly head?: readonly (readonly (Affine | Norm)[])[];
}

/** A layer of a head. */
export interface HeadStep {
  readonly kind: "linear" | "norm";
  readonly then?: Activation | "tanh";
}

/** Layers after the tokens of the last layer. */
export interface Branch {
  /** A token's number, the mean of all tokens or of those after the special ones, or each token alone. */
  readonly of: number | "mean" | "patches" | "each";
  readonly steps: readonly HeadStep[];
}

/** What the layers of a model compute, beside its tensors. */
export interface ModelDesign {
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** d, the width of a head. */
  readonly dim: number;
  readonly norm: "pre" | "post";
  readonly normalization: "layer" | "rms";
  /** ε of the norms. */
  readonly epsilon: number;
  readonly activation: Activation;
  readonly isCausal: boolean;
  /** The most tokens, without the special ones. */
  readonly tokens: number;
  /** The row of `positions` for the first token. */
  readonly firstPosition: number;
  /** Radians a position of rotary positions, if the model has them. */
  readonly frequencies?: readonly number[];
  /** Side of a patch in pixels, if the model reads pictures. */
  readonly patch?: number;
  /** Branches of the head, whose results are averaged; none for a model that gives tokens. */
  readonly branches: readonly Branch[];
}

const WHERE = "model";

export function normalize({ normalization, epsilon }: ModelDesign, x: Tensor, norm: Norm): Tensor {
  return normalization === "layer" ? layerNorm(x, { ...norm, epsilon }) : rmsNorm(x, { ...norm, epsilon });
}

function affine(x: Tensor, { weight, bias }: Affine, tied?: Tensor): Tensor {
  const product = weight === undefined ? matmul(x, tied!, { transposeB: true }) : matmul(x, weight);
  return bias === undefined ? product : add(product, bias);
}

export function feedForward({ activation }: ModelDesign, x: Tensor, layer: LayerParts): Tensor {
  const bend = activations[activation];
  const inner = affine(x, layer.expand);
  if (layer.gate === undefined) return affine(bend(inner), layer.contract);
  const { gate } = layer;
  return affine(multiply(bend(affine(x, gate)), inner), layer.contract);
}

/** The patches of pictures [batch, channels, height, width] as rows [batch, patches, channels·side·side]. */
function patchesOf(pixels: Tensor, side: number): Tensor {
  const [batch, channels, height, width] = pixels.shape;
  if (pixels.shape.length !== 4 || height % side !== 0 || width % side !== 0) {
    throw new ShapeError({
      where: WHERE,
      argument: "input",
      wanted: `pixels [batch, channels, height, width] with patches of ${side} a side`,
      got: formatShape(pixels.shape),
    });
  }
  const [down, across] = [height / side, width / side];
  // runs of `side` pixels are rows of a table
  const run = (b: number, patch: number, c: number, row: number): number =>
    ((b * channels + c) * height + Math.floor(patch / across) * side + row) * across + (patch % across);
  const all = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  const ids = all(batch).flatMap((b) =>
    all(down * across).flatMap((patch) => all(channels).flatMap((c) => all(side).map((row) => run(b, patch, c, row)))),
  );
  const rows = embedding(reshape(pixels, [-1, side]), indices(ids));
  return reshape(rows, [batch, down * across, channels * side * side]);
}

/** What a model reads: ids [batch, n], pixels [batch, channels, height, width], or vectors [batch, n, width]. */
function readTokens({ patch }: ModelDesign, parts: ModelParts, input: Indices | Tensor): Tensor {
  if (!isTensor(input)) {
    if (parts.embedding !== undefined && input.shape.length === 2) return embedding(parts.embedding, input);
  } else if (parts.patch !== undefined && patch !== undefined) {
    return affine(patchesOf(input, patch), parts.patch);
  } else if (input.shape.length === 3) {
    return parts.embedding === undefined ? input : matmul(input, parts.embedding);
  }
  throw new ShapeError({
    where: WHERE,
    argument: "input",
    wanted:
      parts.embedding !== undefined ? "ids [batch, n]" : patch === undefined ? "vectors [batch, n, width]" : "pixels",
    got: `${isTensor(input) ? "a tensor" : "ids"} ${formatShape(input.shape)}`,
  });
}

/** The tokens of the input, the first of which is at `place`, as the first layer reads them. */
export function embed(
  design: ModelDesign,
  parts: ModelParts,
  input: Indices | Tensor,
  place: number,
  types?: Indices,
): Tensor {
  const read = readTokens(design, parts, input);
  const [batch, count, width] = read.shape;
  if (count < 1 || place + count > design.tokens || width !== design.width) {
    throw new ShapeError({
      where: WHERE,
      argument: "input",
      wanted: `1 to ${design.tokens} tokens of width ${design.width}`,
      got: formatShape(read.shape),
    });
  }
  const special = (parts.special ?? []).map((token) => expand(reshape(token, [1, 1, width]), [batch, 1, width]));
  let x = concat([...special, read], 1);
  if (parts.positions !== undefined)
    x = add(x, slice(parts.positions, 0, design.firstPosition + place, special.length + count));
  if (parts.tokenTypes !== undefined) {
    const of = types ?? indices(new Int32Array(batch * count), [batch, count]);
    x = add(x, embedding(parts.tokenTypes, of));
  }
  return parts.embeddingNorm === undefined ? x : normalize(design, x, parts.embeddingNorm);
}

/** The tokens that a branch reads. */
function chosen(x: Tensor, of: Branch["of"], special: number): Tensor {
  if (of === "each") return x;
  if (of === "mean") return mean(x, 1);
  if (of === "patches") return mean(slice(x, 1, special, x.shape[1] - special), 1);
  return reshape(slice(x, 1, of, 1), [x.shape[0], x.shape[2]]);
}

/** What the head makes of the tokens of the last layer. */
export function runHead(design: ModelDesign, parts: ModelParts, x: Tensor): Tensor {
  const results = design.branches.map(({ of, steps }, branch) =>
    steps.reduce(
      (row, { kind, then }, at) => {
        const own = parts.head?.[branch]?.[at] ?? {}; // of a tied layer nothing may be stored
        const made =
          kind === "norm" ? normalize(design, row, own as Norm) : affine(row, own as Affine, parts.embedding);
        return then === undefined ? made : then === "tanh" ? tanh(made) : activations[then](made);
      },
      chosen(x, of, (parts.special ?? []).length),
    ),
  );
  if (results.length === 0) return x;
  const sum = results.reduce((one, other) => add(one, other));
  return results.length === 1 ? sum : multiply(sum, 1 / results.length);
}
