/** What a half-precision number is. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** A whole number, or NaN for one that float64 does not hold. */
const inFloat64 = (value: bigint): number => (BigInt(Number(value)) === value ? Number(value) : NaN);

/** The numbers of a tensor, read in the plainest way; undefined for types that are not read. */
export function plainly(bytes: Uint8Array, dtype: string, begin: number, count: number): number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin);
  const brain = new DataView(new ArrayBuffer(4));
  const readers: Readonly<Record<string, (at: number) => number>> = {
    F64: (at) => view.getFloat64(8 * at, true),
    F32: (at) => view.getFloat32(4 * at, true),
    F16: (at) => half(view.getUint16(2 * at, true)),
    BOOL: (at) => view.getUint8(at),
    U8: (at) => view.getUint8(at),
    I8: (at) => view.getInt8(at),
    U16: (at) => view.getUint16(2 * at, true),
    I16: (at) => view.getInt16(2 * at, true),
    U32: (at) => view.getUint32(4 * at, true),
    I32: (at) => view.getInt32(4 * at, true),
    U64: (at) => inFloat64(view.getBigUint64(8 * at, true)),
    I64: (at) => inFloat64(view.getBigInt64(8 * at, true)),
    BF16: (at) => (brain.setUint32(0, view.getUint16(2 * at, true) << 16), brain.getFloat32(0)),
  };
  if (!(dtype in readers)) return undefined;
  const numbers = Array.from({ length: count }, (_, at) => readers[dtype](at));
  // a 64-bit whole number that float64 lacks
  return /^[UI]64$/.test(dtype) && numbers.some(Number.isNaN) ? undefined : numbers;
}
