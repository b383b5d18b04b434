import { readFileSync } from "node:fs";

/** A file written by the reference implementation, safetensors 0.8.0. */
export const reference = readFileSync(new URL("reference.safetensors", import.meta.url));

/** A file of any header, also of a wrong one. */
export function file(header: unknown, numbers = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + numbers.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(numbers, 8 + json.length);
  return bytes;
}

export const tensor = (begin: number, end: number, change: object = {}) => ({
  dtype: "F32",
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...change,
});
export const eight = new Uint8Array(8);
