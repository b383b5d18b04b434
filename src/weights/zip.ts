import type { DataError } from "../core/errors.js";
import { showJson } from "../core/json.js";
import type { ByteSource } from "./bytes.js";
import { crc32 } from "./crc32.js";
import type { Refuse } from "./safetensors-header.js";

/** A file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** At most so many of the first bytes of the file, not verified. */
  head(count: number): Promise<Uint8Array>;
  /** The bytes of the file, after its checksum is verified. */
  read(): Promise<Uint8Array>;
}

const [LOCAL, CENTRAL, END, END_64, LOCATOR_64] = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];
/** Bytes of the fixed parts of these records. */
const [LOCAL_BYTES, CENTRAL_BYTES, END_BYTES, END_64_BYTES, LOCATOR_BYTES] = [30, 46, 22, 56, 20];
const LONGEST_COMMENT = 65_535;
/** Most bytes of the list of files. */
const LONGEST_DIRECTORY = 2 ** 26;
/** Deflate makes at most so many bytes of one. */
const MOST_EXPANSION = 1032;
const [STORED, DEFLATED] = [0, 8];
const ENCRYPTED = 1;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number; infinite beyond what JavaScript counts exactly. */
function wide(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(value);
}

interface Directory {
  readonly begin: number;
  readonly end: number;
  readonly count: number;
}

/** Where the list of files lies, by the record at the end of the archive. */
async function findDirectory(source: ByteSource, refuse: Refuse): Promise<Directory> {
  const begin = Math.max(0, source.size - END_BYTES - LONGEST_COMMENT);
  const tail = viewOf(await source.read(begin, source.size));
  let at = tail.byteLength - END_BYTES;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength)
  )
    at--;
  if (at < 0) throw refuse("a zip archive with its end", "none within the last bytes");
  let [count, size, start] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  const locator = at - LOCATOR_BYTES;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64) {
    const place = wide(tail, locator + 8);
    if (place + END_64_BYTES > source.size) throw refuse("a 64-bit end record within the archive", `one at ${place}`);
    const end = viewOf(await source.read(place, place + END_64_BYTES));
    if (end.getUint32(0, true) !== END_64) throw refuse("a 64-bit end record", "other bytes");
    [count, size, start] = [wide(end, 32), wide(end, 40), wide(end, 48)];
  }
  if (size > LONGEST_DIRECTORY || start + size > source.size || count * CENTRAL_BYTES > size)
    throw refuse("a list of files within the archive", `${count} files in ${size} bytes at ${start}`);
  return { begin: start, end: start + size, count };
}

/** The first bytes that packed ones inflate to, at most `most`, and what ended them early. */
async function inflate(
  packed: Uint8Array,
  most: number,
): Promise<{ bytes: Uint8Array; isMore: boolean; error?: unknown }> {
  let bytes = new Uint8Array(Math.min(most, 2 * packed.length + 1024)); // grows: a file may claim any size
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream();
  const reader = stream.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { bytes: bytes.subarray(0, filled), isMore: false };
      if (filled + value.length > bytes.length && bytes.length < most) {
        const longer = new Uint8Array(Math.min(most, 2 * (filled + value.length)));
        longer.set(bytes);
        bytes = longer;
      }
      bytes.set(value.subarray(0, most - filled), filled);
      filled += value.length;
      if (filled > most) {
        await reader.cancel();
        return { bytes, isMore: true };
      }
    }
  } catch (error) {
    return { bytes: bytes.subarray(0, filled), isMore: false, error };
  }
}

interface Place {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/** Sizes and offset that do not fit into 32 bits stand in an extra field, in this order. */
function place64(extra: DataView, numbers: number[]): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    let field = at + 4;
    return numbers.map((value) => {
      if (value !== 0xffffffff || field + 8 > extra.byteLength) return value;
      field += 8;
      return wide(extra, field - 8);
    });
  }
  return numbers;
}

function parseDirectory(bytes: Uint8Array, { begin, count }: Directory, refuse: Refuse): Place[] {
  const view = viewOf(bytes);
  const places: Place[] = [];
  const names = new Set<string>();
  for (let index = 0, at = 0; index < count; index++) {
    if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL)
      throw refuse(`${count} files`, `other bytes in the place of file ${index}`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const [extra, next] = [at + CENTRAL_BYTES + nameBytes, at + CENTRAL_BYTES + nameBytes + extraBytes + commentBytes];
    if (next > bytes.length) throw refuse("names within the list of files", `file ${index} beyond it`);
    const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL_BYTES, extra));
    const [packed, size, offset] = place64(
      viewOf(bytes.subarray(extra, extra + extraBytes)),
      [20, 24, 42].map((field) => view.getUint32(at + field, true)),
    );
    const method = view.getUint16(at + 10, true);
    if (view.getUint16(at + 8, true) & ENCRYPTED)
      throw refuse("files without a password", `${showJson(name)} with one`);
    if (names.has(name)) throw refuse("file names that differ", `two of ${showJson(name)}`);
    if (method !== STORED && method !== DEFLATED)
      throw refuse("files that are stored or deflated", `${showJson(name)}, packed by method ${method}`);
    if (
      offset + LOCAL_BYTES + packed > begin ||
      (method === STORED ? size !== packed : size > packed * MOST_EXPANSION + 64)
    )
      throw refuse("files within the archive", `${showJson(name)} of ${packed} bytes (${size} unpacked) at ${offset}`);
    names.add(name);
    places.push({ name, method, crc: view.getUint32(at + 16, true), packed, size, offset });
    at = next;
  }
  const ordered = [...places].sort((a, b) => a.offset - b.offset);
  const shared = ordered.findIndex(({ offset }, at) => {
    const before = ordered[at - 1] as Place | undefined;
    return before !== undefined && before.offset + LOCAL_BYTES + before.packed > offset;
  });
  if (shared > 0) throw refuse("files that do not overlap", `${showJson(ordered[shared].name)} over the one before it`);
  return places;
}

/**
 * The files of a zip archive by name. Their bytes are read on demand. Overlapping files, wrong sizes and wrong
 * checksums are refused, and nothing is unpacked beyond its stated size.
 */
export async function openZip(source: ByteSource, refuse: Refuse): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await findDirectory(source, refuse);
  const places = parseDirectory(await source.read(directory.begin, directory.end), directory, refuse);
  const entries = places.map(({ name, method, crc, packed, size, offset }): ZipEntry => {
    const fail = (got: string): DataError => refuse(`${size} bytes of ${showJson(name)}`, got);
    const verified = (bytes: Uint8Array): Uint8Array => {
      if (crc32(bytes) !== crc) throw fail("bytes whose checksum is another");
      return bytes;
    };
    /** The packed bytes of the file, or the first of them. */
    const unpackable = async (most: number): Promise<Uint8Array> => {
      const head = viewOf(await source.read(offset, offset + LOCAL_BYTES));
      if (head.byteLength < LOCAL_BYTES || head.getUint32(0, true) !== LOCAL) throw fail("other bytes in its place");
      const start = offset + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
      if (start + packed > directory.begin) throw fail("a file that runs into the list of files");
      const count = Math.min(most, packed);
      const bytes = await source.read(start, start + count);
      if (bytes.length !== count) throw fail(`${bytes.length} packed bytes of ${count}`);
      return bytes;
    };
    return {
      name,
      size,
      async head(count) {
        // Deflate adds five bytes to a block that it cannot shorten.
        const bytes = await unpackable(method === STORED ? count : count + Math.ceil(count / 100) + 64);
        return method === STORED ? bytes : (await inflate(bytes, Math.min(count, size))).bytes;
      },
      async read() {
        const bytes = await unpackable(packed);
        if (method === STORED) return verified(bytes);
        const { bytes: whole, isMore, error } = await inflate(bytes, size);
        if (error !== undefined) throw fail(`a damaged stream (${error instanceof Error ? error.message : "unknown"})`);
        if (isMore || whole.length < size) throw fail(isMore ? "more" : `${whole.length} bytes`);
        return verified(whole);
      },
    };
  });
  return new Map(entries.map((entry) => [entry.name, entry]));
}
