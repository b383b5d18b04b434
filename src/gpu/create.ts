import { sizeOf, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { fill } from "./elementwise.js";
import type { Machine } from "./operate.js";
import { bytesOf, encode, type GpuDType } from "./storage-type.js";

/** A tensor of these numbers; `where` is the public function. */
export function uploaded(
  { pool, queue, wrap }: Machine,
  where: string,
  data: ArrayLike<number>,
  shape: Shape,
  dtype: GpuDType,
): Tensor {
  const words = encode(where, "data", data, dtype);
  const block = pool.take(where, words.byteLength);
  const outcome = queue.begin();
  queue.upload(block, words, outcome);
  return wrap(block, shape, dtype, outcome);
}

/** A tensor with one value everywhere. */
export function filled(
  { device, pool, queue, wrap }: Machine,
  where: string,
  value: number,
  shape: Shape,
  dtype: GpuDType,
): Tensor {
  const bytes = bytesOf(sizeOf(shape), dtype);
  const [word] = new Uint32Array(encode(where, "value", dtype === "f16" ? [value, value] : [value], dtype).buffer);
  const block = pool.take(where, bytes);
  const outcome = queue.begin();
  fill({ limits: device.limits, dispatch: (pass) => queue.dispatch(pass) }, block, bytes / 4, word);
  return wrap(block, shape, dtype, outcome);
}
