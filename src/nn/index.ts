export { geluExact, silu, type Activation } from "./activations.js";
export { decoder, type Decoder, type DecoderParameters } from "./decoder.js";
export { encoder, type Encoder, type EncoderOptions, type EncoderParameters } from "./encoder.js";
export type { GenerateOptions } from "./generate.js";
export type { LinearParameters, NormParameters } from "./linear.js";
export type { ModelCall, ModelParameters, TransformerModel, WithKernelOptions } from "./model.js";
export type { Branch, HeadStep, ModelDesign } from "./model-parts.js";
export {
  multiHead,
  type AttentionTrace,
  type MultiHead,
  type MultiHeadCall,
  type MultiHeadOptions,
  type MultiHeadParameters,
} from "./multi-head.js";
export type { Optimizer, OptimizerState } from "./make-optimizer.js";
export {
  adam,
  adamw,
  gradientDescent,
  sgd,
  type AdamOptions,
  type AdamWOptions,
  type SgdOptions,
} from "./optimizers.js";
export {
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  type DecayOptions,
  type Schedule,
  type WarmupOptions,
} from "./schedules.js";
export { rmsNorm, type RmsNormOptions } from "./rms-norm.js";
export { rotary, type RotaryOptions } from "./rotary.js";
export {
  singleLayer,
  type SingleLayer,
  type SingleLayerOptions,
  type SingleLayerParameters,
  type SingleLayerScales,
} from "./single-layer.js";
export { mergeParameters, splitParameters, type NamedTensors } from "./split.js";
export { clipGradients } from "./clip.js";
export { trainStep, type TrainStepOptions } from "./train-step.js";
export {
  cloneTree,
  loadStateDict,
  mapTree,
  stateDict,
  type LoadOptions,
  type StateDict,
  type StateSource,
} from "./trees.js";
export type {
  LayerParameters,
  LayerTrace,
  TransformerCall,
  TransformerOptions,
  TransformerParameters,
} from "./transformer.js";
export { countParameters, disposeTree } from "../core/tensor.js";
