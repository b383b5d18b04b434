import { DataError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { Snapshot } from "./snapshot.js";

const arrays = { F32: Float32Array, F64: Float64Array } as const;

interface Entry {
  readonly dtype: keyof typeof arrays;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Bytes of the length that stands before the header. */
const PREFIX = 8;

/** A file in the safetensors format: length of the header, header in JSON, numbers in little-endian order. */
export function encodeSafetensors(tensors: Readonly<Record<string, Snapshot>>): Uint8Array {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { shape, data }]): [string, Entry] => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: data instanceof Float32Array ? "F32" : "F64", shape, data_offsets: [begin, end] }];
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  // numbers begin at a multiple of their size
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / PREFIX) * PREFIX));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([prefix, header, ...Object.values(tensors).map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]);
}

/**
 * The inverse of `encodeSafetensors`.
 *
 * @throws DataError where header, types or lengths are not those of such a file.
 */
export function decodeSafetensors(bytes: Uint8Array): Record<string, Snapshot> {
  const refuse = (got: string): DataError => new DataError({ where: "decodeSafetensors", argument: "bytes", wanted: "a safetensors file of F32 and F64", got });
  if (bytes.length < PREFIX) throw refuse(`${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = PREFIX + length;
  if (start > bytes.length) throw refuse(`a header of ${length} bytes in a file of ${bytes.length}`);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, start))) as Record<string, Entry>;
  return Object.fromEntries(
    Object.entries(header).map(([name, { dtype, shape, data_offsets: [begin, end] }]) => {
      const Numbers = arrays[dtype];
      if (Numbers === undefined || end - begin !== sizeOf(shape) * Numbers.BYTES_PER_ELEMENT || start + end > bytes.length) throw refuse(`tensor ${name} from ${begin} to ${end}`);
      return [name, { shape, data: new Numbers(new Uint8Array(bytes.subarray(start + begin, start + end)).buffer) }];
    }),
  );
}
