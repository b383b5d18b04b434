import { callable } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { sourceOf, type BinaryData, type ByteSource } from "./bytes.js";
import { kindOfFile, TELLING_BYTES, wayToWeights, type ForeignFormat } from "./file-kind.js";
import { openNumpy } from "./numpy.js";
import { openOnnx } from "./onnx.js";
import { openPyTorch } from "./pytorch.js";
import { PREFIX_BYTES, refusing, type Refuse } from "./safetensors-header.js";
import { openShards } from "./safetensors-index.js";
import { openSafetensors, type StoredTensors } from "./safetensors.js";

const WHERE = "openWeights";
const READABLE = "weights as safetensors, PyTorch, NumPy or ONNX";
const UNKNOWN = "Convert the weights, for example with safetensors.torch.save_file or numpy.savez in Python.";
const BRACE = 0x7b;
/** The first of three bytes that may stand before a text. */
const BYTE_ORDER_MARK = 0xef;
/** Most bytes of an index; that of a million tensors is smaller. */
const LONGEST_INDEX = 100_000_000;
/** How TensorFlow.js names the parts of a model, whose bytes say nothing. */
const TENSORFLOW_SHARD = /\bgroup\d+-shard\d+of\d+(?:\.bin)?$/;

const readers: Readonly<Record<ForeignFormat, (data: BinaryData) => Promise<StoredTensors>>> = {
  numpy: openNumpy,
  onnx: openOnnx,
  pytorch: openPyTorch,
};

/** A header of at most 100 MB has four zeros in its length, and begins with a brace. */
const looksLikeSafetensors = (head: Uint8Array): boolean =>
  head[PREFIX_BYTES] === BRACE && head.subarray(4, PREFIX_BYTES).every((byte) => byte === 0);

async function readIndex(source: ByteSource, refuse: Refuse): Promise<string> {
  if (source.size > LONGEST_INDEX)
    throw refuse(`an index of at most ${LONGEST_INDEX} bytes`, `${source.size} bytes of JSON`);
  return new TextDecoder().decode(await source.read(0, source.size));
}

/** Options of `openWeights`. */
export interface OpenOptions {
  /** The bytes of a file beside `data` by its name; only an index of shards needs it. */
  readonly shard?: (file: string) => Promise<BinaryData>;
}

/**
 * Opens stored weights of any format that this library reads, which it recognises by the first bytes: safetensors,
 * PyTorch (.pt, .pth, .bin), NumPy (.npy, .npz), ONNX, or an index of shards in JSON. Tensors are read on
 * demand, one at a time.
 *
 * @param data the bytes of the file, or access to them
 * @throws DataError for damaged files, and for other formats (GGUF, TensorFlow Lite, TensorFlow.js, HDF5, PyTorch
 * before 1.6) by their name, with the conversion to do.
 * @example
 * const weights = await openWeights(await openAsBlob("model.pt"));
 * const numbers = await weights.read("blocks.0.attn.in_proj_weight");
 */
export async function openWeights(data: BinaryData, options: OpenOptions = {}): Promise<StoredTensors> {
  const { shard } = checkOptions<OpenOptions>(WHERE, options, { shard: callable });
  const source = sourceOf(WHERE, data);
  const refusal = refusing(WHERE, source.name);
  const refuse: Refuse = (wanted, got, fix = UNKNOWN) => refusal(wanted, got, fix);
  const head = await source.read(0, Math.min(TELLING_BYTES, source.size));
  if (looksLikeSafetensors(head)) return openSafetensors(data);
  const kind = kindOfFile(head);
  if (kind?.format !== undefined) return readers[kind.format](data);
  if (kind !== undefined) throw refuse(READABLE, kind.name, wayToWeights(kind));
  if (TENSORFLOW_SHARD.test(source.name)) {
    const { name, conversion } = kindOfFile(new TextEncoder().encode('{"modelTopology":'))!;
    throw refuse(READABLE, `a part of ${name}`, conversion);
  }
  const isText = head[head[0] === BYTE_ORDER_MARK ? 3 : 0] === BRACE;
  if (!isText) throw refuse(READABLE, source.size === 0 ? "an empty file" : "bytes of an unknown format");
  if (shard === undefined)
    throw refuse(READABLE, "a JSON text", "Give openWeights the option shard, which opens a file of an index by name.");
  return openShards(await readIndex(source, refuse), source.name, async (file) => openWeights(await shard(file)));
}
