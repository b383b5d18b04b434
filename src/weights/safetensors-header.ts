import { DataError } from "../core/errors.js";
import { parseJson, showJson } from "../core/json.js";
import { sizeOf, type Shape } from "../core/shape.js";
import { storedBits, storedBytes, type StoredDType } from "./stored-numbers.js";

/** Bytes of the header's length, a little-endian uint64. */
export const PREFIX_BYTES = 8;
/** The limit of the format. */
const LONGEST_HEADER = 100_000_000;
const METADATA = "__metadata__";

/** Type and shape of a tensor in a file. */
export interface StoredTensor {
  readonly dtype: StoredDType;
  /** Empty for a scalar. An extent may be 0: the tensor is then empty. */
  readonly shape: Shape;
}

/** A tensor, and where its bytes lie. */
export interface PlacedTensor extends StoredTensor {
  /** First byte in the file. */
  readonly begin: number;
  /** First byte after it. */
  readonly end: number;
}

/** The contents of a safetensors header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Makes errors about `file`. */
export type Refuse = (wanted: string, got: string, fix?: string) => DataError;

export function refusing(where: string, file: string): Refuse {
  return (wanted, got, fix = "The file is damaged or was not written as safetensors: fetch or write it again.") =>
    new DataError({ where, argument: file, wanted, got, fix });
}

/** The length of the header from the first eight bytes of a file of `size` bytes. */
export function headerLength(prefix: Uint8Array, size: number, refuse: Refuse): number {
  if (size < PREFIX_BYTES || prefix.length < PREFIX_BYTES) throw refuse(`at least ${PREFIX_BYTES} bytes`, `${size}`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER)) throw refuse(`a header of at most ${LONGEST_HEADER} bytes`, `one of ${length}`);
  if (PREFIX_BYTES + Number(length) > size)
    throw refuse(`a header within the file's ${size} bytes`, `one of ${length} bytes after the first ${PREFIX_BYTES}`);
  return Number(length);
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parseFields(bytes: Uint8Array, refuse: Refuse): Fields {
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.startsWith("{")) throw refuse('a header that starts with "{"', showJson(text.slice(0, 1)));
    header = parseJson(text);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw refuse("a header in JSON with names that differ", cause instanceof Error ? cause.message : String(cause));
  }
  if (!isObject(header)) throw refuse("an object as header", typeof header);
  return header;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** One entry of the header; `start` is the first byte after the header. */
function parseTensor(name: string, entry: unknown, start: number, refuse: Refuse): PlacedTensor {
  const about = showJson(name);
  if (!isObject(entry)) throw refuse(`an object for tensor ${about}`, showJson(entry));
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(storedBits, dtype)) {
    throw refuse(`a dtype of ${Object.keys(storedBits).join(", ")} for tensor ${about}`, showJson(dtype));
  }
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw refuse(`whole extents in the shape of tensor ${about}`, showJson(shape));
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw refuse(`data_offsets [begin, end] with begin <= end for tensor ${about}`, showJson(offsets));
  }
  const [begin, end] = offsets as [number, number];
  const bytes = storedBytes(dtype as StoredDType, sizeOf(shape));
  if (bytes !== end - begin)
    throw refuse(`${bytes} bytes for tensor ${about} of ${dtype} ${showJson(shape)}`, `${end - begin}`);
  return { dtype: dtype as StoredDType, shape: shape, begin: start + begin, end: start + end };
}

function parseMetadata(entry: unknown, refuse: Refuse): Record<string, string> {
  if (entry === undefined || entry === null) return {}; // the reference implementation treats null as absent
  if (!isObject(entry) || !Object.values(entry).every((value) => typeof value === "string")) {
    throw refuse(`texts by name in ${METADATA}`, showJson(entry));
  }
  return { ...(entry as Record<string, string>) };
}

/** Throws unless the tensors cover every byte from `start` to `size` exactly once. */
function checkCover(tensors: ReadonlyMap<string, PlacedTensor>, start: number, size: number, refuse: Refuse): void {
  let [covered, last] = [start, "the header"];
  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    const about = showJson(name);
    if (end > size)
      throw refuse(
        `tensor ${about} within the file's ${size} bytes`,
        `an end at byte ${end}`,
        "The file is cut short: fetch it again.",
      );
    if (begin < covered)
      throw refuse(
        "tensors that do not overlap",
        `${about} from byte ${begin}, before the end of ${last} at ${covered}`,
      );
    if (begin > covered)
      throw refuse("tensors without holes between", `${begin - covered} bytes of nothing between ${last} and ${about}`);
    [covered, last] = [end, about];
  }
  if (covered < size) throw refuse(`a file that ends with ${last} at byte ${covered}`, `${size - covered} bytes more`);
}

/**
 * Checks and reads the header of a safetensors file of `size` bytes.
 *
 * Checks every dtype, extent and offset, and shapes against offsets. The tensors must fill the rest of the file without
 * overlap or hole.
 */
export function parseHeader(bytes: Uint8Array, size: number, refuse: Refuse): SafetensorsHeader {
  const start = PREFIX_BYTES + bytes.length;
  const header = parseFields(bytes, refuse);
  const entries = Object.entries(header).filter(([name]) => name !== METADATA);
  const tensors = new Map(entries.map(([name, entry]) => [name, parseTensor(name, entry, start, refuse)]));
  checkCover(tensors, start, size, refuse);
  return { tensors, metadata: parseMetadata(Object.hasOwn(header, METADATA) ? header[METADATA] : undefined, refuse) };
}

/** Encodes the header of a file whose numbers follow in the same order. Spaces pad it to a multiple of eight bytes. */
export function encodeHeader(
  entries: readonly { readonly name: string; readonly dtype: StoredDType; readonly shape: Shape }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let offset = 0;
  const tensors = entries.map(({ name, dtype, shape }) => {
    const begin = offset;
    offset += storedBytes(dtype, sizeOf(shape));
    return [name, { dtype, shape, data_offsets: [begin, offset] }] as const;
  });
  const about = Object.keys(metadata).length === 0 ? [] : [[METADATA, metadata] as const];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries<unknown>([...about, ...tensors])));
  const length = Math.ceil(json.length / PREFIX_BYTES) * PREFIX_BYTES;
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}
