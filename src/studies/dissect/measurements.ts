import type { HeadCount } from "../../weights/heads.js";
import type { ModeMap } from "../../analysis/dissection.js";
import type { DrawnInput } from "../report/over-input.js";

export interface DissectedHead {
  readonly singularValues: readonly number[];
  readonly cosines: readonly number[];
  readonly symmetricShare: number;
}

/** A mode's attention map on the user's tokens. */
export interface DissectedMap extends ModeMap {
  readonly head: number;
  readonly mode: number;
  readonly singularValue: number;
  readonly cosine: number;
}

export interface DissectedLayer {
  readonly heads: readonly DissectedHead[];
  /** Mean cosine over modes and heads. */
  readonly plain: number;
  /** Mean cosine weighted by singular values. */
  readonly weighted: number;
  /** Half-widths of the 95 % bands of these means for random directions. */
  readonly noise: { readonly plain: number; readonly weighted: number };
  readonly modes: number;
  /** Share of single cosines within the noise of random directions. */
  readonly insideNoise: number;
  /** Mean symmetric share over heads. */
  readonly symmetricShare: number;
  readonly maps?: readonly DissectedMap[];
}

/** The sizes of one layer. */
export interface LayerSizes {
  /** The number of the layer, or its numbers in stages. */
  readonly label: string;
  /** Width D of the tokens. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys; fewer if groups of heads share them. */
  readonly keyHeads: number;
  /** Columns of a head. */
  readonly dim: number;
}

/** The model as its file describes it. */
export interface ModelSummary {
  readonly file: string;
  readonly prefix: string;
  readonly headsFrom: HeadCount["source"];
  /** Of every layer. */
  readonly sizes: readonly LayerSizes[];
  /** Whether the file has norms of queries and keys, which W_qᵀW_k leaves out. */
  readonly hasNorms?: boolean;
  /** The input that ran through the model. */
  readonly drawn?: DrawnInput;
}

/** Result of one layer of the model, or of the control. */
export interface DissectResult {
  readonly model: ModelSummary;
  /** From 0; -1 for the control. */
  readonly layer: number;
  readonly dissected: DissectedLayer;
}

export interface DissectMeasurements extends ModelSummary {
  /** A layer of the first one's sizes with N(0, 1) weights, analysed in the same way. */
  readonly control: DissectedLayer;
  readonly layers: readonly DissectedLayer[];
}
