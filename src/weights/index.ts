export {
  countHeads,
  findAttention,
  readProjection,
  type AttentionWeights,
  type HeadCount,
  type Projection,
} from "./attention-weights.js";
export { bertSizes, countBertParameters, type BertSizes, type ParameterCount } from "./parameter-count.js";
export {
  encodeSafetensors,
  openSafetensors,
  type BinaryData,
  type BlobLike,
  type ByteSource,
  type StoredTensors,
  type TensorToStore,
} from "./safetensors.js";
export { openShardedSafetensors } from "./safetensors-index.js";
export type { SafetensorsHeader, StoredTensor } from "./safetensors-header.js";
export type { FloatDType, StoredDType } from "./stored-numbers.js";
