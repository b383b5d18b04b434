import { ArgumentError, DataError, ShapeError } from "../core/errors.js";
import type { AttentionLayer } from "./attention-layer.js";
import { sourceOf, type BinaryData, type ByteSource } from "./bytes.js";
import type { FileKind } from "./file-kind.js";
import { showJson } from "../core/json.js";
import { numbers, record, shapeKind, text, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions, needed } from "../core/options.js";
import {
  encodeHeader,
  headerLength,
  parseHeader,
  PREFIX_BYTES,
  refusing,
  type Refuse,
  type SafetensorsHeader,
  type StoredTensor,
} from "./safetensors-header.js";
import { formatShape, sizeOf, type Shape } from "../core/shape.js";
import {
  decodeNumbers,
  encodeNumbers,
  isFloatDType,
  storedBits,
  storedBytes,
  type FloatDType,
} from "./stored-numbers.js";

/** Named tensors that are read one at a time. */
export interface StoredTensors {
  /** Attention layers, where the file itself says them, as the graph of an ONNX model does. */
  readonly attention?: readonly AttentionLayer[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Texts by name that the file holds beside its tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The numbers of one tensor, row-major: float64 for F64 and whole numbers, float32 for F32, F16 and BF16; all exact.
   *
   * @throws ArgumentError for an unknown name, UnsupportedError for a type that is not a float, DataError for missing
   * bytes.
   */
  readonly read: (name: string) => Promise<Float32Array | Float64Array>;
}

/** The error for a name that a file does not hold. */
export function noSuchTensor(
  where: string,
  file: string,
  name: string,
  tensors: ReadonlyMap<string, unknown>,
): ArgumentError {
  const some = [...tensors.keys()].slice(0, 4).map((known) => showJson(known));
  return new ArgumentError({
    where,
    argument: file,
    wanted: `one of its ${tensors.size} tensors (${some.join(", ")}${tensors.size > some.length ? ", ..." : ""})`,
    got: showJson(name),
  });
}

const BRACE = 0x7b;
const JSON_TEXT: FileKind = {
  name: "a JSON text",
  fix:
    "Read an index of shards with openShardedSafetensors. If the text is a server's error message, fetch " +
    "the file again.",
};
const CONVERT =
  "Look for the model's model.safetensors, or convert this file, for example with " +
  "safetensors.torch.save_file in Python.";

async function readHeader(source: ByteSource, refuse: Refuse): Promise<SafetensorsHeader> {
  try {
    const length = headerLength(await source.read(0, Math.min(PREFIX_BYTES, source.size)), source.size, refuse);
    return parseHeader(await source.read(PREFIX_BYTES, PREFIX_BYTES + length), source.size, refuse);
  } catch (cause) {
    // only here, because most programs never meet a wrong file
    const { kindOfFile, TELLING_BYTES, wayToWeights } = await import("./file-kind.js");
    const head = await source.read(0, Math.min(TELLING_BYTES, source.size));
    if (!(cause instanceof DataError) || head[PREFIX_BYTES] === BRACE) throw cause;
    const kind = kindOfFile(head) ?? (head[0] === BRACE ? JSON_TEXT : undefined);
    if (kind === undefined) throw cause;
    throw refuse("a safetensors file", kind.name, wayToWeights(kind) ?? CONVERT);
  }
}

/**
 * Opens `data`, a safetensors file: reads and checks its header. Tensors are read on demand, one at a time.
 *
 * Format: header length (8 bytes), header (JSON: dtype, shape and offsets by name), numbers. Source:
 * https://github.com/huggingface/safetensors.
 * @throws DataError for a truncated or malformed file: header length, JSON, duplicate names, types, shapes, offsets,
 * overlaps, holes. For a file of another kind, such as a Git LFS pointer or a PyTorch checkpoint, the message names the
 * kind.
 * @example
 * const weights = await openSafetensors(await readFile("model.safetensors"));
 * const numbers = await weights.read("classifier.weight");
 */
export async function openSafetensors(data: BinaryData): Promise<SafetensorsHeader & StoredTensors> {
  const source = sourceOf("openSafetensors", data);
  const refuse = refusing("openSafetensors", source.name);
  const header = await readHeader(source, refuse);
  return {
    ...header,
    async read(name) {
      const tensor = header.tensors.get(name);
      if (tensor === undefined) throw noSuchTensor("openSafetensors", source.name, name, header.tensors);
      const bytes = await source.read(tensor.begin, tensor.end);
      if (bytes.length !== tensor.end - tensor.begin) {
        throw new DataError({
          where: "openSafetensors",
          argument: source.name,
          wanted: `${tensor.end - tensor.begin} bytes of tensor ${showJson(name)}`,
          got: `${bytes.length}`,
        });
      }
      return decodeNumbers("openSafetensors", name, tensor.dtype, bytes);
    },
  };
}

/** Numbers to store. */
export interface TensorToStore {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  /** Default: F64 for a Float64Array, else F32. */
  readonly dtype?: FloatDType;
}

function entryOf(name: string, tensor: TensorToStore) {
  checkOptions(
    "encodeSafetensors",
    tensor,
    { shape: needed(shapeKind), data: needed(numbers), dtype: text as Kind<FloatDType> },
    name,
  );
  const { shape, data, dtype = data instanceof Float64Array ? "F64" : "F32" } = tensor;
  const complain = { where: "encodeSafetensors", argument: name };
  if (!isFloatDType(dtype))
    throw new ArgumentError({ ...complain, wanted: "a dtype of F64, F32, F16, BF16", got: String(dtype) });
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || sizeOf(shape) !== data.length) {
    throw new ShapeError({
      ...complain,
      wanted: `whole extents whose product is ${data.length}`,
      got: formatShape(shape),
    });
  }
  if (name === "__metadata__")
    throw new ArgumentError({ ...complain, wanted: "a name that the format does not reserve", got: name });
  return { name, shape, data, dtype };
}

/**
 * The bytes of a safetensors file with these `tensors`, wider numbers first.
 *
 * Each number is rounded to the nearest of its type, ties to even. `metadata` holds texts by name.
 * @throws ShapeError for a shape that does not match the data, ArgumentError for finite numbers that the type cannot
 * hold.
 * @example
 * const bytes = encodeSafetensors({ w: { shape: [2, 2], data: [1, 2, 3, 4], dtype: "BF16" } }, { made: "by hand" });
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  checkArguments("encodeSafetensors", { tensors, metadata }, { tensors: record, metadata: record });
  const entries = Object.entries(tensors).map(([name, tensor]) => entryOf(name, tensor));
  // wider numbers first: every tensor then begins at a multiple of its width
  entries.sort((a, b) => storedBits[b.dtype] - storedBits[a.dtype]);
  const header = encodeHeader(entries, metadata);
  const bytes = new Uint8Array(
    entries.reduce((sum, { data, dtype }) => sum + storedBytes(dtype, data.length), header.length),
  );
  bytes.set(header);
  let at = header.length;
  for (const { name, data, dtype } of entries) {
    const part = encodeNumbers("encodeSafetensors", name, dtype, data);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
