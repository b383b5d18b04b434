export type { BinaryData, BlobLike, ByteSource } from "./bytes.js";
export {
  countHeads,
  findAttention,
  readProjection,
  type AttentionWeights,
  type HeadCount,
  type Projection,
} from "./attention-weights.js";
export { loadTransformer, type LoadedTransformer } from "./load-transformer.js";
export type { TransformerConfig } from "./model-facts.js";
export { bertSizes, countBertParameters, type BertSizes, type ParameterCount } from "./parameter-count.js";
export { encodeSafetensors, openSafetensors, type StoredTensors, type TensorToStore } from "./safetensors.js";
export { openNumpy } from "./numpy.js";
export { openPyTorch } from "./pytorch.js";
export { openShardedSafetensors } from "./safetensors-index.js";
export type { PlacedTensor, SafetensorsHeader, StoredTensor } from "./safetensors-header.js";
export type { FloatDType, StoredDType } from "./stored-numbers.js";
