import { ArgumentError, NonFiniteError, UnsupportedError } from "../core/errors.js";
import { fromHalves, isFiniteHalf, LARGEST_HALF, toHalves } from "../core/half.js";
import type { DType } from "../core/tensor.js";
import type { Shader } from "../kernels/kernel.js";

/** How a tensor's numbers lie in device memory. */
export type GpuDType = Exclude<DType, "f64">;

/** Bytes of `count` numbers, in whole words: WebGPU copies no less. */
export function bytesOf(count: number, dtype: GpuDType): number {
  return dtype === "f16" ? 4 * Math.ceil(count / 2) : 4 * count;
}

/** Refuses what the device cannot store. */
export function checkDType(where: string, device: GPUDevice, dtype: DType): GpuDType {
  if (dtype === "f32" || (dtype === "f16" && device.features.has("shader-f16"))) return dtype;
  if (dtype === "f16") {
    throw new UnsupportedError({
      where,
      argument: "dtype",
      wanted: "a device with the feature shader-f16",
      got: "one without it",
      fix: 'Use "f32", or for wrapDevice request the feature.',
    });
  }
  throw new ArgumentError({ where, argument: "dtype", wanted: '"f16" or "f32", the dtypes of a GPU', got: String(dtype) });
}

/** Numbers as they lie in memory, filled up to whole words. Throws a `NonFiniteError` for one that is beyond float16. */
export function encode(where: string, data: ArrayLike<number>, dtype: GpuDType): Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  if (dtype === "f32") return Float32Array.from(data);
  const halves = toHalves(data);
  const beyond = halves.findIndex((bits) => !isFiniteHalf(bits));
  const words = new Uint32Array(bytesOf(data.length, dtype) / 4);
  new Uint16Array(words.buffer).set(halves);
  if (beyond === -1) return words;
  throw new NonFiniteError({
    where,
    argument: "data",
    wanted: `numbers of at most ${LARGEST_HALF}, the largest in float16`,
    got: `${data[beyond]} at index ${beyond}`,
    fix: 'Use "f32", or smaller numbers.',
  });
}

/** The first `count` numbers of memory. */
export function decode(memory: ArrayBuffer, count: number, dtype: GpuDType): Float32Array {
  return dtype === "f16" ? fromHalves(new Uint16Array(memory, 0, count)) : new Float32Array(memory, 0, count).slice();
}

const named = (type: string, enables?: Shader["enables"]): Shader => ({ file: `generated (${type})`, text: `alias Stored = ${type};`, enables });

/** What the passes call `Stored`: a number in memory, or four. */
export const storedShaders = {
  f32: { one: named("f32"), four: named("vec4f") },
  f16: { one: named("f16", ["f16"]), four: named("vec4<f16>", ["f16"]) },
};
