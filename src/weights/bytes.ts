import { having } from "../core/kinds.js";
import { wrongKind } from "../core/options.js";

/** Random access to bytes, such as those of a file too large for memory. */
export interface ByteSource {
  /** For error messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `begin` to `end`, exclusive. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** What `Blob` and `File` of browsers and Node have. */
export interface BlobLike {
  readonly size: number;
  slice(begin: number, end: number): BlobLike;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The bytes of a file: in memory, or to be read in parts. */
export type BinaryData = Uint8Array | ArrayBuffer | BlobLike | ByteSource;

const bytesKind = having<ByteSource>(
  "bytes: a Uint8Array, an ArrayBuffer, a Blob, or { name, size, read(begin, end) }",
  ["name", "size", "read"],
  "Read the file first, as by await readFile(path) in Node or await (await fetch(url)).arrayBuffer().",
);

/** `data`, an argument of the function `where`, as bytes that are read in parts. */
export function sourceOf(where: string, data: BinaryData): ByteSource {
  if (data instanceof ArrayBuffer) return sourceOf(where, new Uint8Array(data));
  if (data instanceof Uint8Array)
    return { name: "bytes", size: data.length, read: (begin, end) => Promise.resolve(data.subarray(begin, end)) };
  if (typeof data === "object" && data !== null && "arrayBuffer" in data) {
    return {
      name: "blob",
      size: data.size,
      read: async (begin, end) => new Uint8Array(await data.slice(begin, end).arrayBuffer()),
    };
  }
  if (bytesKind.holds(data)) return data;
  throw wrongKind(where, "data", bytesKind, data);
}
