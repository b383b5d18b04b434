import { roundToFraction } from "../core/half.js";

const FRACTION_BITS = 7;
/** The smallest normal bfloat16, the same as of float32. */
const SMALLEST_NORMAL = 2 ** -126;
/** Halfway from the largest bfloat16 to the next power of two: numbers from here on round to infinity. */
const OVERFLOW = (2 - 2 ** -8) * 2 ** 127;
/** A quiet NaN. */
const NOT_A_NUMBER = 0x7fc0;

/** Scratch memory: a bfloat16 is the upper half of a float32's bits. */
const single = new Float32Array(1);
const pattern = new Uint32Array(single.buffer);

function bitsOf(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? -1 : 1;
  single[0] = sign * (size < OVERFLOW ? roundToFraction(size, FRACTION_BITS, SMALLEST_NORMAL) : Infinity);
  return pattern[0] >>> 16;
}

/** The bits of the nearest bfloat16 numbers, ties to even. */
export function toBfloat16(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, bitsOf);
}

/** Decodes bfloat16 bits to float32; exact. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (upper) => upper << 16).buffer);
}
