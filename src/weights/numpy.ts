import { showJson } from "../core/json.js";
import { sizeOf, type Shape } from "../core/shape.js";
import { sourceOf, type BinaryData } from "./bytes.js";
import { gathered } from "./gather.js";
import { refusing, type Refuse, type StoredTensor } from "./safetensors-header.js";
import { noSuchTensor, type StoredTensors } from "./safetensors.js";
import { decodeNumbers, storedBytes, type StoredDType } from "./stored-numbers.js";
import { openZip } from "./zip.js";

const WHERE = "openNumpy";
const DAMAGED = "The file is damaged: fetch it again, or save it again with numpy.save or numpy.savez.";
const MAGIC = "\x93NUMPY";
/** Bytes of magic, version and the longest field of a header's length. */
const PREFIX_BYTES = 12;
/** NumPy itself warns of headers above 10,000 bytes. */
const HEAD_BYTES = 2 ** 16;

/** Types of numbers by NumPy's names of them, without the mark of the byte order. */
const dtypes: Readonly<Record<string, StoredDType>> = {
  f8: "F64",
  f4: "F32",
  f2: "F16",
  i8: "I64",
  i4: "I32",
  i2: "I16",
  i1: "I8",
  u8: "U64",
  u4: "U32",
  u2: "U16",
  u1: "U8",
  b1: "BOOL",
};

interface NumpyArray extends StoredTensor {
  /** First byte of the numbers. */
  readonly begin: number;
  /** Whether the first axis is the one whose numbers lie side by side. */
  readonly isColumnMajor: boolean;
}

/** The header: a dictionary of Python with three keys in any order. */
function parseHeader(text: string, refuse: Refuse): Omit<NumpyArray, "begin"> {
  const descr = /'descr':\s*'([<>|=]?)([A-Za-z]\d*)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(((?:\s*\d+\s*,?)*)\s*\)/.exec(text);
  if (descr === null || order === null || shape === null)
    throw refuse("an array of numbers", `the header ${showJson(text.trim().slice(0, 100))}`);
  const [, endian, type] = descr;
  if (!Object.hasOwn(dtypes, type))
    throw refuse(`numbers of ${Object.keys(dtypes).join(", ")}`, type, "Convert the array, as by array.astype('f4').");
  if (endian === ">")
    throw refuse("little-endian numbers", "big-endian ones", "Convert the array, as by array.astype('<f4').");
  const extents = shape[1].split(",").flatMap((extent) => (extent.trim() === "" ? [] : [Number(extent)]));
  if (!Number.isSafeInteger(sizeOf(extents) * 8))
    throw refuse("a shape that memory can hold", `[${extents.join(", ")}]`);
  return { dtype: dtypes[type], shape: extents, isColumnMajor: order[1] === "True" };
}

/** The array of a file of `size` bytes that begins with `head`. */
function arrayOf(head: Uint8Array, size: number, refuse: Refuse): NumpyArray {
  const prefix = head.subarray(0, PREFIX_BYTES);
  if (prefix.length < PREFIX_BYTES || String.fromCharCode(...prefix.subarray(0, 6)) !== MAGIC)
    throw refuse("a NumPy array", "other bytes");
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw refuse("version 1, 2 or 3 of the format", `version ${version}`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > head.length) throw refuse(`a header within ${head.length} bytes`, `one of ${length}`);
  const array = parseHeader(new TextDecoder().decode(head.subarray(start, start + length)), refuse);
  const wanted = storedBytes(array.dtype, sizeOf(array.shape));
  if (size - start - length !== wanted) throw refuse(`${wanted} bytes of numbers`, `${size - start - length}`);
  return { ...array, begin: start + length };
}

/** Strides of an array whose first axis is innermost. */
function columnMajor(shape: Shape): number[] {
  let stride = 1;
  return shape.map((extent) => (stride *= extent) / extent);
}

/** A file with one array. */
interface NumpyFile {
  readonly size: number;
  head(count: number): Promise<Uint8Array>;
  read(): Promise<Uint8Array>;
}

/**
 * Opens `data`, a file that `numpy.save`, `savez` or `savez_compressed` wrote. The one array of an .npy file has the
 * name "array". Arrays are read on demand, one at a time.
 *
 * Source of the format: `numpy.lib.format`, versions 1 to 3. Checksums of .npz files are verified.
 * @throws DataError for damaged files, arrays of objects, texts, dates and complex numbers, and other formats.
 * @example
 * const arrays = await openNumpy(await readFile("weights.npz"));
 * const numbers = await arrays.read("wq"); // as numpy.savez("weights.npz", wq=wq) named it
 */
export async function openNumpy(data: BinaryData): Promise<StoredTensors> {
  const source = sourceOf(WHERE, data);
  const refusal = refusing(WHERE, source.name);
  const refuse: Refuse = (wanted, got, fix = DAMAGED) => refusal(wanted, got, fix);
  const head = await source.read(0, Math.min(2, source.size));
  const files = new Map<string, NumpyFile>();
  if (String.fromCharCode(...head) !== "PK") {
    const { size } = source;
    files.set("array", {
      size,
      head: (count) => source.read(0, Math.min(count, size)),
      read: () => source.read(0, size),
    });
  } else {
    for (const [name, file] of await openZip(source, refuse))
      if (name.endsWith(".npy")) files.set(name.slice(0, -".npy".length), file);
    if (files.size === 0) throw refuse("a zip archive of NumPy arrays", "one without any");
  }
  const tensors = new Map<string, NumpyArray>();
  for (const [name, file] of files) tensors.set(name, arrayOf(await file.head(HEAD_BYTES), file.size, refuse));
  return {
    tensors: new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    metadata: {},
    async read(name) {
      const array = tensors.get(name);
      if (array === undefined) throw noSuchTensor(WHERE, source.name, name, tensors);
      const { dtype, shape, begin, isColumnMajor } = array;
      const bytes = await files.get(name)!.read();
      const numbers = decodeNumbers(WHERE, name, dtype, bytes.subarray(begin));
      return isColumnMajor ? gathered(numbers, { offset: 0, shape, strides: columnMajor(shape) }) : numbers;
    },
  };
}
