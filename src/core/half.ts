/** The largest float16. */
export const LARGEST_HALF = 65504;

/** Numbers from here on round to infinity: halfway between the largest float16 and the next power of two. */
const OVERFLOW = 65520;
/** The smallest normal float16. Subnormal numbers have the same spacing as the normal numbers next to them. */
const SMALLEST_NORMAL = 2 ** -14;
const FRACTION_BITS = 10;
/** The exponent bits of infinity and NaN. */
const INFINITE = 0x7c00;

/**
 * The nearest number with `bits` bits after its leading one, ties to even. Below `smallestNormal` the spacing is
 * constant.
 *
 * For 0 <= `size` < 2^900.
 */
export function roundToFraction(size: number, bits: number, smallestNormal: number): number {
  let exponent = Math.floor(Math.log2(Math.max(size, smallestNormal)));
  if (2 ** exponent > size && size >= smallestNormal) exponent--; // log2 rounds up just below a power of two
  // Adding `large` makes float64 round to a multiple of the spacing, ties to even.
  const large = 2 ** (exponent - bits + 52);
  return size + large - large;
}

/** The nearest float16, ties to even (IEEE 754 binary16); infinity from 65520 on. */
export function roundToHalf(value: number): number {
  const size = Math.abs(value);
  if (!(size < OVERFLOW)) return Number.isNaN(value) ? value : Math.sign(value) * Infinity;
  return Math.sign(value) * roundToFraction(size, FRACTION_BITS, SMALLEST_NORMAL);
}

/** Rounds values to float16 and encodes them as bits. */
export function toHalves(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, bitsOf);
}

export function isFiniteHalf(bits: number): boolean {
  return (bits & INFINITE) !== INFINITE;
}

function bitsOf(value: number): number {
  const rounded = roundToHalf(value);
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (Number.isNaN(size)) return 0x7e00;
  if (size === Infinity) return sign | INFINITE;
  if (size < SMALLEST_NORMAL) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size)); // exact, because `size` has at most 11 significant bits
  return sign | ((exponent + 15) << FRACTION_BITS) | ((size / 2 ** exponent - 1) * 2 ** FRACTION_BITS);
}

function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> FRACTION_BITS) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * SMALLEST_NORMAL : (1 + fraction) * 2 ** (exponent - 15));
}

/** The value of every 16-bit pattern. */
let values: Float32Array | undefined;

/** Decodes float16 bits to float32; exact. */
export function fromHalves(halves: Uint16Array): Float32Array {
  const table = (values ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => valueOf(bits)));
  return Float32Array.from(halves, (bits) => table[bits]);
}
