export {
  encoder,
  type Encoder,
  type EncoderCall,
  type EncoderLayer,
  type EncoderLayerParameters,
  type EncoderOptions,
  type EncoderParameters,
} from "./encoder.js";
export type { LinearParameters, NormParameters } from "./linear.js";
export {
  multiHead,
  type MultiHead,
  type MultiHeadCall,
  type MultiHeadOptions,
  type MultiHeadParameters,
} from "./multi-head.js";
export {
  adam,
  gradientDescent,
  sgd,
  type AdamOptions,
  type Optimizer,
  type OptimizerState,
  type SgdOptions,
} from "./optimizers.js";
export {
  singleLayer,
  type SingleLayer,
  type SingleLayerOptions,
  type SingleLayerParameters,
  type SingleLayerScales,
} from "./single-layer.js";
export { mergeParameters, splitParameters, type NamedTensors } from "./split.js";
