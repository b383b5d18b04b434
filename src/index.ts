export {
  gradcheck,
  type GradcheckDirection,
  type GradcheckOptions,
  type GradcheckReport,
  type GradcheckVerdict,
} from "./autograd/gradcheck.js";
export { valueAndGrad } from "./autograd/grad.js";
export type { ReduceOptions } from "./autograd/broadcast.js";
export type { DropoutOptions } from "./autograd/dropout.js";
export type { MatmulOptions } from "./autograd/matmul.js";
export type { LayerNormOptions } from "./autograd/rows.js";
export * as ops from "./autograd/ops.js";
export {
  ArgumentError,
  AttentionKernelsError,
  type Complaint,
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
export type { Shape } from "./core/shape.js";
export {
  type Backend,
  type DeviceDescription,
  type DType,
  type ParameterTree,
  Tensor,
  type TensorOptions,
} from "./core/tensor.js";
export { cpu } from "./cpu/cpu.js";
export { reference } from "./cpu/reference.js";
export type { GpuOptions } from "./gpu/adapter.js";
export type { BufferOptions, TensorBuffer } from "./gpu/buffers.js";
export { Gpu, type GpuMemory } from "./gpu/gpu.js";
export { requestGpu, wrapDevice } from "./gpu/request.js";
export type { WarmUpOptions, WarmUpProgress } from "./gpu/warm-up.js";
export type { WebGpuBuffer, WebGpuDevice } from "./gpu/webgpu-types.js";
export type { Profile } from "./gpu/profile.js";
export type { GpuDType } from "./gpu/storage-type.js";
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
export { elliptical, ellipticalMetric, type EllipticalOptions, type MetricOptions } from "./kernels/elliptical.js";
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
  DerivativeBounds,
  Formula,
  HeadSizes,
  KernelBase,
  KernelInput,
  KernelParameter,
  KernelSurroundings,
  Normalizer,
  Pair,
  Partials,
  Projections,
  Shader,
  TiledKernel,
  WeightBounds,
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
  type MaskBand,
  type MaskRun,
  type MaskRuns,
  type MaskSizes,
  type MaskSpans,
  type MaskStructure,
} from "./kernels/mask.js";
export { documents, type DocumentsOptions } from "./kernels/documents.js";
export { maskOf, type MaskOfOptions, type MaskRule } from "./kernels/rule-mask.js";
export { relativePosition, type RelativePositionOptions } from "./kernels/relative-position.js";
export { kernels } from "./kernels/registry.js";
export { softmax, type SoftmaxOptions } from "./kernels/softmax.js";
export { spatial, type SpatialOptions } from "./kernels/spatial.js";
export type { Certificate, Certified, NotCertified } from "./theory/certificate.js";
export { checkConvergence, type ConvergenceOptions, type ConvergenceReport } from "./theory/check-convergence.js";
export type { Condition, ConditionName } from "./theory/condition.js";
export type { ConvergenceProblem, HeadWeights, WeightName } from "./theory/problem.js";
export type { SingularValueExtremes } from "./theory/weight-rank.js";
export type { Rows } from "./numerics/rows.js";
