import { fromBfloat16, toBfloat16 } from "./bfloat16.js";
import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { fromHalves, toHalves } from "../core/half.js";

/** Bits per number of every type in the safetensors format, including types that this library does not decode. */
export const storedBits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The name of a number type in the safetensors format. */
export type StoredDType = keyof typeof storedBits;

/** Typed arrays use the processor's byte order. It is little-endian, like the format, wherever WebGPU runs. */
interface Codec {
  decode(buffer: ArrayBuffer): Float32Array | Float64Array;
  encode(values: ArrayLike<number>): ArrayBufferView<ArrayBuffer>;
}

const codecs = {
  F64: { decode: (buffer) => new Float64Array(buffer), encode: (values) => Float64Array.from(values) },
  F32: { decode: (buffer) => new Float32Array(buffer), encode: (values) => Float32Array.from(values) },
  F16: { decode: (buffer) => fromHalves(new Uint16Array(buffer)), encode: toHalves },
  BF16: { decode: (buffer) => fromBfloat16(new Uint16Array(buffer)), encode: toBfloat16 },
} as const satisfies Readonly<Record<string, Codec>>;

/** 64-bit whole numbers, of which float64 holds those up to 2^53. */
function exact(where: string, name: string, values: BigInt64Array | BigUint64Array): Float64Array {
  return Float64Array.from(values as BigInt64Array, (value) => {
    const number = Number(value);
    if (BigInt(number) === value) return number;
    throw new UnsupportedError({ where, argument: name, wanted: "whole numbers that float64 holds", got: `${value}` });
  });
}

/** Whole numbers, which are read alone. */
const wholes: Readonly<
  Partial<Record<StoredDType, (buffer: ArrayBuffer, where: string, name: string) => Float64Array>>
> = {
  BOOL: (buffer) => Float64Array.from(new Uint8Array(buffer)),
  U8: (buffer) => Float64Array.from(new Uint8Array(buffer)),
  I8: (buffer) => Float64Array.from(new Int8Array(buffer)),
  U16: (buffer) => Float64Array.from(new Uint16Array(buffer)),
  I16: (buffer) => Float64Array.from(new Int16Array(buffer)),
  U32: (buffer) => Float64Array.from(new Uint32Array(buffer)),
  I32: (buffer) => Float64Array.from(new Int32Array(buffer)),
  U64: (buffer, where, name) => exact(where, name, new BigUint64Array(buffer)),
  I64: (buffer, where, name) => exact(where, name, new BigInt64Array(buffer)),
};

/** The float types, which can be read and written. */
export type FloatDType = keyof typeof codecs;

/** Whether numbers of this type can be read and written. */
export function isFloatDType(dtype: string): dtype is FloatDType {
  return Object.hasOwn(codecs, dtype);
}

/** Bytes of `count` numbers; not a whole number if the last byte is only partly used. */
export const storedBytes = (dtype: StoredDType, count: number): number => (count * storedBits[dtype]) / 8;

/** Decodes bytes exactly: F64 and whole numbers to float64, other types to float32. */
export function decodeNumbers(
  where: string,
  name: string,
  dtype: StoredDType,
  bytes: Uint8Array,
): Float32Array | Float64Array {
  // Copies, because typed arrays need an aligned offset.
  const { buffer } = new Uint8Array(bytes);
  const whole = wholes[dtype];
  if (whole !== undefined) return whole(buffer, where, name);
  if (!isFloatDType(dtype)) {
    throw new UnsupportedError({
      where,
      argument: name,
      wanted: `a tensor of ${[...Object.keys(codecs), ...Object.keys(wholes)].join(", ")}`,
      got: dtype,
      fix: "Convert the tensor with the software that wrote the file.",
    });
  }
  return codecs[dtype].decode(buffer);
}

/** Encodes numbers, each rounded to the nearest of the type, ties to even. */
export function encodeNumbers(
  where: string,
  name: string,
  dtype: FloatDType,
  values: ArrayLike<number>,
): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = codecs[dtype].encode(values);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const stored = codecs[dtype].decode(buffer);
  const lost = stored.findIndex((value, index) => Number.isFinite(values[index]) && !Number.isFinite(value));
  if (lost >= 0) {
    throw new ArgumentError({
      where,
      argument: name,
      wanted: `numbers that ${dtype} can hold`,
      got: `${values[lost]} at index ${lost}`,
      fix: "Store the tensor as F32 or F64.",
    });
  }
  return bytes;
}
