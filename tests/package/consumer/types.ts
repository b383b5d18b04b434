import {
  attention,
  checkConvergence,
  cpu,
  gaussian,
  ops,
  requestGpu,
  softmax,
  valueAndGrad,
  wrapDevice,
  type Certificate,
  type ConvergenceProblem,
  type Tensor,
  type TensorBuffer,
  type WebGpuBuffer,
} from "attention-kernels";
import { dissectHead, type HeadDissection } from "attention-kernels/analysis";
import { adam, encoder, type Optimizer } from "attention-kernels/nn";
import { chain, type Lattice } from "attention-kernels/physics";
import { convergenceProbability } from "attention-kernels/theory";
import { openSafetensors, type StoredTensors } from "attention-kernels/weights";

const q: Tensor = cpu.tensor([1, 2], [1, 1, 1, 2]);
export const out: Tensor = attention(softmax(), { q, k: q, v: q });
export const numbers: Promise<Float32Array | Float64Array> = out.read();
const loss = (p: { gamma: Tensor }): Tensor => ops.sum(attention(gaussian(), { q, k: q, v: q, gamma: p.gamma }));
export const gradient: Tensor = valueAndGrad(loss, { gamma: cpu.tensor([1]) }).gradients.gamma;
export const promise = requestGpu().then((opened) => {
  using gpu = opened;
  return gpu.device.name;
});
export const wrap = (device: Parameters<typeof wrapDevice>[0]): number => wrapDevice(device).memory.used;
export const share = async (device: Parameters<typeof wrapDevice>[0], buffer: WebGpuBuffer): Promise<TensorBuffer> => {
  const gpu = wrapDevice(device);
  await gpu.warmUp(() => ops.exp(q), { onProgress: ({ done, total }) => done / total });
  const moved: Tensor = await gpu.fromBuffer(buffer, [2], { offset: 256 }).to(cpu);
  return gpu.bufferOf(await moved.to(gpu));
};
export const certificate = (problem: ConvergenceProblem): Certificate =>
  checkConvergence(problem, { kernel: softmax(), trainable: ["value"] }).certificate;
export const head: HeadDissection = dissectHead([[1, 0]], [new Float32Array([0, 1])]);
export const optimizer: Optimizer = adam({ learningRate: 1e-3 });
export const lattice: Lattice = chain(4);
export const stored: Promise<StoredTensors> = openSafetensors(new Uint8Array(8));
export { convergenceProbability, encoder };
