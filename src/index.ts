export { gradcheck, type GradcheckDirection, type GradcheckOptions, type GradcheckReport } from "./autograd/gradcheck.js";
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
export type { Shape } from "./core/shape.js";
export { type Backend, type DeviceDescription, type ParameterTree, type Tensor } from "./core/tensor.js";
export { cpu } from "./cpu/cpu.js";
export type { GpuOptions } from "./gpu/adapter.js";
export { requestGpu, wrapDevice, type Gpu, type GpuMemory } from "./gpu/gpu.js";
export { attention, type AttentionInputs } from "./kernels/attention.js";
export { gaussian, type GaussianOptions } from "./kernels/gaussian.js";
export type { AttentionKernel, Formula, KernelParameter, Normalizer, Pair, Partials, Shader } from "./kernels/kernel.js";
export { kernels } from "./kernels/registry.js";
export { softmax, type SoftmaxOptions } from "./kernels/softmax.js";
