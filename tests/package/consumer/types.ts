import {
  attention,
  cpu,
  gaussian,
  requestGpu,
  softmax,
  valueAndGrad,
  wrapDevice,
  type Tensor,
} from "attention-kernels";

const q: Tensor = cpu.tensor([1, 2], [1, 1, 1, 2]);
const out: Tensor = attention(softmax(), { q, k: q, v: q });
const numbers: Promise<Float32Array | Float64Array> = out.read();
const loss = (p: { gamma: Tensor }): Tensor => attention(gaussian(), { q, k: q, v: q, gamma: p.gamma });
const gradient: Tensor = valueAndGrad(loss, { gamma: cpu.tensor([1]) }).gradients.gamma;
export const promise = requestGpu().then((opened) => {
  using gpu = opened;
  return gpu.device.name;
});
export const wrap: (device: GPUDevice) => unknown = wrapDevice;
export { gradient, numbers };
