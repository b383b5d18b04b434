import { ArgumentError, NonFiniteError, UnsupportedError } from "../core/errors.js";
import { fromHalves, isFiniteHalf, LARGEST_HALF, toHalves } from "../core/half.js";
import type { DType, Primitive } from "../core/tensor.js";
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
  throw new ArgumentError({
    where,
    argument: "dtype",
    wanted: '"f16" or "f32", the dtypes of a GPU',
    got: String(dtype),
  });
}

/** The dtypes of a primitive's outputs; undefined for float32 throughout. */
export function dtypesOf<Attributes>(
  primitive: Primitive<Attributes>,
  operands: readonly { readonly dtype: GpuDType }[],
  attributes: Attributes,
  device: GPUDevice,
): GpuDType[] | undefined {
  if (primitive.dtypes !== undefined) {
    const inputs = operands.map(({ dtype }) => dtype);
    return primitive.dtypes(inputs, attributes).map((dtype) => checkDType(primitive.name, device, dtype));
  }
  if (operands.every(({ dtype }) => dtype === "f32")) return undefined;
  throw new UnsupportedError({
    where: primitive.operation?.(attributes) ?? primitive.name,
    wanted: "float32 tensors",
    got: "one of dtype f16",
    fix: 'Cast it: ops.cast(x, "f32").',
  });
}

/** The largest float32. */
const LARGEST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

/** A finite number that float32 would store as infinity. */
const overflows = (value: number): boolean => Number.isFinite(value) && !Number.isFinite(Math.fround(value));

/** Refuses a number that is beyond float32; infinity itself and NaN stay what they are. */
export function checkSingle(where: string, argument: string, value: number): void {
  if (overflows(value))
    throw beyond(
      where,
      argument,
      LARGEST_SINGLE,
      "float32",
      String(value),
      "Use a smaller number, or the cpu backend, which has float64.",
    );
}

function beyond(
  where: string,
  argument: string,
  largest: number,
  type: string,
  got: string,
  fix: string,
): NonFiniteError {
  return new NonFiniteError({
    where,
    argument,
    wanted: `numbers of at most ${largest}, the largest in ${type}`,
    got,
    fix,
  });
}

/**
 * Numbers as they lie in memory, filled up to whole words. Throws a `NonFiniteError` for a finite one that is beyond
 * the dtype.
 */
export function encode(
  where: string,
  argument: string,
  data: ArrayLike<number>,
  dtype: GpuDType,
): Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  if (dtype === "f32") {
    const singles = Float32Array.from(data);
    const at =
      data instanceof Float32Array
        ? -1
        : singles.findIndex((single, index) => !Number.isFinite(single) && Number.isFinite(data[index]));
    if (at === -1) return singles;
    throw beyond(
      where,
      argument,
      LARGEST_SINGLE,
      "float32",
      `${data[at]} at index ${at}`,
      "Use smaller numbers, or the cpu backend, which has float64.",
    );
  }
  const halves = toHalves(data);
  const at = halves.findIndex((bits, index) => !isFiniteHalf(bits) && Number.isFinite(data[index]));
  const words = new Uint32Array(bytesOf(data.length, dtype) / 4);
  new Uint16Array(words.buffer).set(halves);
  if (at === -1) return words;
  throw beyond(
    where,
    argument,
    LARGEST_HALF,
    "float16",
    `${data[at]} at index ${at}`,
    'Use "f32", or smaller numbers.',
  );
}

/** `count` numbers of memory, from byte `offset` on. */
export function decode(memory: ArrayBuffer, offset: number, count: number, dtype: GpuDType): Float32Array {
  return dtype === "f16"
    ? fromHalves(new Uint16Array(memory, offset, count))
    : new Float32Array(memory, offset, count).slice();
}

const named = (type: string, enables?: Shader["enables"]): Shader => ({
  file: `generated (${type})`,
  text: `alias Stored = ${type};`,
  enables,
});

/** What the passes call `Stored`: a number in memory, or four. */
export const storageShaders = {
  f32: { one: named("f32"), four: named("vec4f") },
  f16: { one: named("f16", ["f16"]), four: named("vec4<f16>", ["f16"]) },
};
