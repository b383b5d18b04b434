import type { HeadCount } from "../../analysis/attention-weights.js";
import type { ModeMap } from "../../analysis/dissection.js";

export interface DissectedHead {
  readonly singularValues: readonly number[];
  readonly cosines: readonly number[];
  readonly symmetricShare: number;
}

/** A mode's map on tokens of the user's. */
export interface DissectedMap extends ModeMap {
  readonly head: number;
  readonly mode: number;
  readonly singularValue: number;
  readonly cosine: number;
}

export interface DissectedLayer {
  readonly heads: readonly DissectedHead[];
  /** Means of the cosines over modes and heads, and the half-widths of the bands that noise gives them. */
  readonly plain: number;
  readonly weighted: number;
  readonly noise: { readonly plain: number; readonly weighted: number };
  readonly modes: number;
  /** Share of the single cosines that noise explains. */
  readonly insideNoise: number;
  /** Mean over heads. */
  readonly symmetricShare: number;
  readonly maps?: readonly DissectedMap[];
}

/** The model, as its file describes it. */
export interface ModelSummary {
  readonly file: string;
  readonly prefix: string;
  /** D. */
  readonly width: number;
  readonly heads: number;
  readonly headsFrom: HeadCount["source"];
  /** Below this stays |cos| of random directions with probability 95 %. */
  readonly cosineNoise: number;
  readonly layerCount: number;
}

/** One layer of the model, or the control. */
export interface DissectResult {
  readonly model: ModelSummary;
  /** From 0; -1 for the control. */
  readonly layer: number;
  readonly dissected: DissectedLayer;
}

export interface DissectMeasurements extends ModelSummary {
  /** A layer of these sizes with N(0, 1) weights, analysed in the same way. */
  readonly control: DissectedLayer;
  readonly layers: readonly DissectedLayer[];
}
