import type { BinaryData, FindOptions, HeadCount, LayerHeads } from "attention-kernels/weights";

/** The sizes of one layer. */
export interface LayerSizes extends LayerHeads {
  readonly label: string;
  readonly width: number;
  readonly dim: number;
}

/** Means over the modes of a head, or over those of all heads of a layer. */
export interface Summary {
  readonly plain: number;
  readonly weighted: number;
  /** The half-widths of the 95 % bands of these means, and of a single cosine, for random directions. */
  readonly noise: { readonly plain: number; readonly weighted: number; readonly single: number };
  readonly modes: number;
  readonly insideNoise: number;
  readonly symmetricShare: number;
}

export interface Head extends Summary {
  readonly singularValues: readonly number[];
  readonly cosines: readonly number[];
}

export interface Layer extends Summary {
  readonly heads: readonly Head[];
}

/** What is known on the way; layer -1 is the control. */
export type Event =
  | {
      readonly kind: "sizes";
      readonly sizes: readonly LayerSizes[];
      readonly headsFrom: HeadCount["source"];
      readonly prefix: string;
    }
  | { readonly kind: "head"; readonly layer: number; readonly head: Head }
  | { readonly kind: "layer"; readonly layer: number; readonly summary: Summary };

export interface Model {
  readonly file: BinaryData;
  readonly shard?: (name: string) => Promise<BinaryData>;
  readonly config?: unknown;
}

export function sampleModel(settings: { readonly seed: number; readonly alike: number }): Model;

export function dissect(
  model: Model & { readonly heads?: number; readonly names?: FindOptions; readonly seed: number },
  follow?: (event: Event) => void,
): Promise<{ readonly sizes: readonly LayerSizes[]; readonly control: Layer; readonly layers: readonly Layer[] }>;
