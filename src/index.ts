export {
  countHeads,
  findAttention,
  readProjection,
  type AttentionWeights,
  type HeadCount,
  type Projection,
} from "./analysis/attention-weights.js";
export { cosineNoise, meanCosineNoise } from "./analysis/cosine-noise.js";
export {
  dissectHead,
  modeMap,
  summarizeCosines,
  type CosineSummary,
  type HeadDissection,
  type ModeMap,
} from "./analysis/dissection.js";
export { bertSizes, countBertParameters, type BertSizes, type ParameterCount } from "./analysis/parameter-count.js";
export {
  gradcheck,
  type GradcheckDirection,
  type GradcheckOptions,
  type GradcheckReport,
  type GradcheckVerdict,
} from "./autograd/gradcheck.js";
export { valueAndGrad } from "./autograd/grad.js";
export * as ops from "./autograd/ops.js";
export {
  ArgumentError,
  AttentionKernelsError,
  DataError,
  DeviceError,
  DeviceLostError,
  NonFiniteError,
  ShaderCompileError,
  ShapeError,
  UnsupportedError,
} from "./core/errors.js";
export { indices, type Indices } from "./core/indices.js";
export { random, type Random } from "./core/random.js";
export {
  encodeSafetensors,
  openSafetensors,
  type ByteSource,
  type StoredTensors,
  type TensorToStore,
} from "./core/safetensors.js";
export { openShardedSafetensors } from "./core/safetensors-index.js";
export type { SafetensorsHeader, StoredTensor } from "./core/safetensors-header.js";
export type { Shape } from "./core/shape.js";
export type { FloatDType, StoredDType } from "./core/stored-numbers.js";
export {
  type Backend,
  type DeviceDescription,
  type DType,
  type ParameterTree,
  Tensor,
  type TensorOptions,
} from "./core/tensor.js";
export { cpu } from "./cpu/cpu.js";
export type { GpuOptions } from "./gpu/adapter.js";
export { Gpu, type GpuMemory } from "./gpu/gpu.js";
export { requestGpu, wrapDevice } from "./gpu/request.js";
export type { PassTime } from "./gpu/timer.js";
export { cosine, type CosineOptions } from "./kernels/cosine.js";
export {
  decode,
  keyValueCache,
  type CacheSizes,
  type DecodeInputs,
  type DecodeOptions,
  type KeyValueCache,
} from "./kernels/decode.js";
export { decoupled } from "./kernels/decoupled.js";
export { differential, type DifferentialOptions } from "./kernels/differential.js";
export { elliptical, ellipticalMetric, type CausalMetric, type EllipticalOptions } from "./kernels/elliptical.js";
export { factored, type FactoredOptions } from "./kernels/factored.js";
export { laplacian, type LaplacianOptions } from "./kernels/laplacian.js";
export { linear } from "./kernels/linear.js";
export { mahalanobis } from "./kernels/mahalanobis.js";
export { pairwise } from "./kernels/pairwise.js";
export { polynomial, type PolynomialOptions } from "./kernels/polynomial.js";
export { relu } from "./kernels/relu.js";
export { sigmoid, type SigmoidOptions } from "./kernels/sigmoid.js";
export { symmetric } from "./kernels/symmetric.js";
export { attentionMap } from "./kernels/attention-map.js";
export { attention, attentionWithStatistic } from "./kernels/attention.js";
export { alibi, relativeBias, type Bias, type RelativeBias } from "./kernels/bias.js";
export { defineKernel, type KernelDefinition } from "./kernels/define.js";
export {
  gradcheckKernel,
  type GradcheckKernelOptions,
  type GradcheckKernelReport,
  type KernelFunctionReport,
} from "./kernels/gradcheck-kernel.js";
export { kernelFeatures, type KernelFeatures } from "./kernels/features.js";
export { gaussian, type GaussianOptions } from "./kernels/gaussian.js";
export type {
  AttentionInputs,
  AttentionKernel,
  AttentionOptions,
  Component,
  ComposedKernel,
  Formula,
  HeadSizes,
  KernelInput,
  KernelParameter,
  Normalizer,
  Pair,
  Partials,
  Projections,
  Shader,
  TiledKernel,
} from "./kernels/kernel.js";
export { booleanMask } from "./kernels/boolean-mask.js";
export {
  and,
  causal,
  lengths,
  or,
  slidingWindow,
  type CausalOptions,
  type Lengths,
  type Mask,
  type MaskSizes,
} from "./kernels/mask.js";
export { relativePosition, type RelativePositionOptions } from "./kernels/relative-position.js";
export { kernels } from "./kernels/registry.js";
export { softmax, type SoftmaxOptions } from "./kernels/softmax.js";
export {
  encoder,
  type Encoder,
  type EncoderCall,
  type EncoderLayer,
  type EncoderOptions,
  type EncoderParameters,
} from "./nn/encoder.js";
export {
  multiHead,
  type MultiHead,
  type MultiHeadCall,
  type MultiHeadOptions,
  type MultiHeadParameters,
} from "./nn/multi-head.js";
export { adam, gradientDescent, sgd, type AdamOptions, type Optimizer, type SgdOptions } from "./nn/optimizers.js";
export {
  singleLayer,
  type SingleLayer,
  type SingleLayerOptions,
  type SingleLayerParameters,
} from "./nn/single-layer.js";
export { mergeParameters, splitParameters, type NamedTensors } from "./nn/split.js";
export * as physics from "./physics/index.js";
export { checkConvergence, type ConvergenceOptions, type ConvergenceReport } from "./theory/check-convergence.js";
export { convergenceProbability, type Initialization } from "./theory/initialization.js";
export { suggestInitialization, type SuggestOptions } from "./theory/suggest-initialization.js";
