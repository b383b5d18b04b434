import type { Span } from "./protobuf.js";
import type { StoredTensor } from "./safetensors-header.js";

/** A tensor and where its numbers lie. */
export interface OnnxTensor extends StoredTensor {
  readonly place: Span;
  /** Whether the numbers are varints. */
  readonly isPacked: boolean;
}

/** An operation of a graph. */
export interface OnnxNode {
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that are whole numbers. */
  readonly attributes: Readonly<Record<string, readonly number[]>>;
}

/** The operations of a model, and its tensors by the names that operations use. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
}
