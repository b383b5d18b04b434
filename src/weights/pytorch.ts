import { showJson } from "../core/json.js";
import { sizeOf } from "../core/shape.js";
import { sourceOf, type BinaryData } from "./bytes.js";
import { SAVE_AGAIN } from "./file-kind.js";
import { gathered, type Layout } from "./gather.js";
import { PickleName, readPickle, type PickleRules, type PickleValue } from "./pickle.js";
import { refusing, type Refuse } from "./safetensors-header.js";
import { noSuchTensor, type StoredTensors } from "./safetensors.js";
import { decodeNumbers, storedBytes, type StoredDType } from "./stored-numbers.js";
import { openZip, type ZipEntry } from "./zip.js";

const WHERE = "openPyTorch";
const DAMAGED = "The file is damaged: fetch it again, or save it again with torch.save.";

/** Types of numbers by the class of their storage. */
const dtypes: Readonly<Record<string, StoredDType>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** Numbers in a file of the archive, which tensors share. */
interface Storage {
  readonly key: string;
  readonly dtype: StoredDType;
  readonly count: number;
}

/** A tensor of a storage. */
interface View extends Layout {
  readonly storage: Storage;
}

const isExtent = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areExtents = (value: unknown): value is number[] => Array.isArray(value) && value.every(isExtent);

const isView = (value: unknown): value is View => typeof value === "object" && value !== null && "storage" in value;

/** The storage of a reference ("storage", class, file, device, count). */
function storageOf(id: PickleValue, refuse: Refuse): Storage {
  const [kind, type, key, , count] = Array.isArray(id) ? (id as readonly unknown[]) : [];
  const name = type instanceof PickleName ? type.name.replace(/^torch\.(?:cuda\.)?/, "") : "";
  if (kind !== "storage" || typeof key !== "string" || !isExtent(count) || !Object.hasOwn(dtypes, name))
    throw refuse(`storages of ${Object.keys(dtypes).join(", ")}`, name === "" ? "another reference" : name);
  return { key, dtype: dtypes[name], count };
}

/** The tensor of a storage, an offset, a shape and strides, all within the storage. */
function viewOf([storage, offset, shape, strides]: readonly PickleValue[], refuse: Refuse): View {
  const own = storage as Storage | null;
  if (typeof own !== "object" || own === null || !("key" in own) || !isExtent(offset) || !areExtents(shape))
    throw refuse("a tensor of a storage with an offset and a shape", "other arguments");
  if (!areExtents(strides) || strides.length !== shape.length)
    throw refuse("a stride of at least 0 for every axis", showJson(strides));
  const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
  if (!shape.includes(0) && !(last < own.count))
    throw refuse(`a tensor within the ${own.count} numbers of its storage`, `one that reaches number ${last}`);
  if (sizeOf(shape) > own.count)
    throw refuse(`at most the ${own.count} numbers of its storage`, `a tensor of shape [${shape.join(", ")}]`);
  return { storage: own, offset, shape, strides };
}

/** What a state dict needs. Everything else that a pickle may call is refused. */
function rulesFor(refuse: Refuse): PickleRules {
  const view = (args: readonly PickleValue[]): View => viewOf(args, refuse);
  const inner = ([value]: readonly PickleValue[]): PickleValue => value;
  return {
    reference: (id) => storageOf(id, refuse),
    calls: {
      "collections.OrderedDict"([pairs = []]) {
        const isPair = (pair: unknown): pair is [unknown, unknown] => Array.isArray(pair) && pair.length === 2;
        if (!Array.isArray(pairs) || !pairs.every(isPair)) throw refuse("a dictionary of pairs", "other arguments");
        return new Map(pairs);
      },
      "torch._utils._rebuild_tensor": view,
      "torch._utils._rebuild_tensor_v2": view,
      "torch._utils._rebuild_parameter": inner,
      "torch._utils._rebuild_parameter_with_state": inner,
      "torch.Size": inner,
      "torch.device": ([name]) => name,
    },
  };
}

/** Most values that are looked at for tensors. */
const MOST_VISITED = 2 ** 20;

/** Tensors by their names: keys of dictionaries and indices of lists, joined by dots. */
function tensorsIn(root: PickleValue, refuse: Refuse): Map<string, View> {
  const found = new Map<string, View>();
  let visited = 0;
  const visit = (value: PickleValue, path: string, depth: number): void => {
    if (++visited > MOST_VISITED || depth > 64)
      throw refuse("tensors within a million values, in 64 levels at most", "more (or a list that contains itself)");
    if (isView(value)) {
      if (found.has(path)) throw refuse("names that differ", `two tensors ${showJson(path)}`);
      found.set(path, value);
      return;
    }
    const entries = value instanceof Map || Array.isArray(value) ? (value as Map<unknown, unknown>).entries() : [];
    for (const [key, inside] of entries) {
      const name = typeof key === "string" || typeof key === "number" ? String(key) : "";
      visit(inside, path === "" ? name : `${path}.${name}`, depth + 1);
    }
  };
  visit(root, "", 0);
  return found;
}

/**
 * Opens `data`, a file that `torch.save` of PyTorch 1.6 or later wrote: a state dict, or a training checkpoint with
 * some inside. Tensors have the names of the dictionaries around them, joined by dots, and are read on demand, one at a
 * time.
 *
 * The file is a zip archive with a pickle. Nothing of the pickle is executed: it may build dictionaries, lists,
 * numbers, texts and tensors, and anything else is refused. Checksums are verified. Source of the format:
 * `torch.serialization`.
 *
 * @throws DataError for a damaged file, a whole model in place of its weights, tensors outside their storage, files of
 * PyTorch before 1.6 and other formats.
 * @example
 * const weights = await openPyTorch(await readFile("model.pt"));
 * const numbers = await weights.read("blocks.0.attn.in_proj_weight");
 */
export async function openPyTorch(data: BinaryData): Promise<StoredTensors> {
  const source = sourceOf(WHERE, data);
  const refusal = refusing(WHERE, source.name);
  const refuse: Refuse = (wanted, got, fix = DAMAGED) => refusal(wanted, got, fix);
  const head = await source.read(0, Math.min(2, source.size));
  if (head[0] === 0x80)
    throw refuse("a zip archive, as PyTorch writes it since 1.6", "a pickle of an older version", SAVE_AGAIN);
  const files = await openZip(source, refuse);
  const pickles = [...files.keys()].filter((name) => /(?:^|\/)data\.pkl$/.test(name));
  if (pickles.length !== 1) throw refuse("a PyTorch file, with one data.pkl", `a zip archive with ${pickles.length}`);
  const folder = pickles[0].slice(0, -"data.pkl".length);
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(await order.read()).trim() !== "little")
    throw refuse("little-endian numbers", "big-endian ones", "Save the file on a little-endian machine.");
  const pickle = await files.get(pickles[0])!.read();
  const views = tensorsIn(readPickle(pickle, rulesFor(refuse), refuse), refuse);
  const fileOf = ({ key, dtype, count }: Storage): ZipEntry => {
    const file = files.get(`${folder}data/${key}`);
    if (file?.size === storedBytes(dtype, count)) return file;
    throw refuse(`${storedBytes(dtype, count)} bytes of storage ${showJson(key)}`, file ? `${file.size}` : "no file");
  };
  for (const { storage } of views.values()) fileOf(storage);
  const tensors = new Map([...views].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }]));
  let last: { readonly key: string; readonly numbers: Float32Array | Float64Array } | undefined;
  return {
    tensors,
    metadata: {},
    async read(name) {
      const view = views.get(name);
      if (view === undefined) throw noSuchTensor(WHERE, source.name, name, tensors);
      const { storage } = view;
      if (last?.key !== storage.key) {
        last = undefined; // its memory may go before the next is read
        const bytes = await fileOf(storage).read();
        const numbers = decodeNumbers(WHERE, name, storage.dtype, bytes);
        last = { key: storage.key, numbers };
        return gathered(numbers, view);
      }
      return gathered(last.numbers, view);
    },
  };
}
