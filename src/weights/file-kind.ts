/** Formats of weights that `openWeights` reads, beside safetensors and its index. */
export type ForeignFormat = "numpy" | "pytorch" | "onnx";

/** A kind of file. */
export interface FileKind {
  /** With its article: "a Git LFS pointer". */
  readonly name: string;
  /** How to get the intended file, if that does not depend on what the caller reads. */
  readonly fix?: string;
  /** The reader of the file, if it holds weights that this library reads. */
  readonly format?: ForeignFormat;
  /** How to make of it a file of weights that this library reads. */
  readonly conversion?: string;
}

/** What to do with a file of this kind where weights are wanted. */
export const wayToWeights = ({ fix, format, conversion }: FileKind): string | undefined =>
  fix ?? (format === undefined ? conversion : "Open it with openWeights, which reads every format.");

/** The number of leading bytes that identify every kind. */
export const TELLING_BYTES = 1024;

const FETCH_AGAIN =
  "This is a server's response, not the file. On Hugging Face, replace /blob/ in the page's address by /resolve/.";
const UNPACK = "Unpack it first.";

interface Signature extends FileKind {
  /** Alternatives for the text at byte `at`, one character per byte. */
  readonly texts: readonly string[];
  readonly at?: number;
  /** Must also match somewhere in the first bytes. */
  readonly with?: RegExp;
}

/** What torch.save of PyTorch 1.6 or later does. */
export const SAVE_AGAIN =
  "Save it again in the present format, in Python: " +
  "torch.save(torch.load(path, weights_only=True), path) with PyTorch 1.6 or later.";

const HDF5 = "\x89HDF\r\n\x1a\n";
/** A pickle of protocol 2 that begins with the number 0x1950a86a20f9469cfc6c, PyTorch's sign. */
const OLD_PYTORCH = ["\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"];
const ZIP = ["PK\x03\x04", "PK\x05\x06"];
/** A ModelProto begins with `ir_version` (field 1, a small number), then `producer_name`, `graph` or `opset_import`. */
const ONNX = Array.from({ length: 32 }, (_, version) =>
  ["\x12", ":", "B"].map((field) => `\x08${String.fromCharCode(version + 1)}${field}`),
).flat();

/** The first match wins, so a special case stands before its general kind. */
const signatures: readonly Signature[] = [
  {
    texts: ["version https://git-lfs.github.com/spec/"],
    name: "a Git LFS pointer",
    fix: "The file itself was not fetched: run git lfs pull, or download it.",
  },
  {
    texts: ["GGUF"],
    name: "a GGUF model (llama.cpp)",
    conversion:
      "Convert it to safetensors, in Python with transformers: " +
      "AutoModelForCausalLM.from_pretrained(folder, gguf_file=name).save_pretrained(out).",
  },
  {
    texts: ["TFL3"],
    at: 4,
    name: "a TensorFlow Lite model",
    conversion: "Convert it to ONNX: python -m tf2onnx.convert --tflite model.tflite --output model.onnx.",
  },
  {
    texts: [HDF5],
    name: "an HDF5 file (Keras weights, for example)",
    conversion: "Convert it to .npz, in Python with h5py: numpy.savez(path, **{name: file[name][()]}) of its datasets.",
  },
  {
    texts: ["{"],
    with: /^\{\s*"(?:format|generatedBy|convertedBy|modelTopology|weightsManifest|signature|userDefinedMetadata)"\s*:/,
    name: "a TensorFlow.js model",
    conversion: "Convert it to ONNX: python -m tf2onnx.convert --tfjs model.json --output model.onnx.",
  },
  { texts: ["\x93NUMPY"], name: "a NumPy array (.npy)", format: "numpy" },
  { texts: ZIP, with: /\.npy/, name: "a zip archive of NumPy arrays (.npz)", format: "numpy" },
  {
    texts: ZIP,
    with: /\/(?:data\.pkl|version|byteorder|\.format_version)/,
    name: "a PyTorch checkpoint (a zip archive with a pickle)",
    format: "pytorch",
  },
  {
    texts: ZIP,
    with: /metadata\.json[^]*config\.json|model\.weights\.h5/,
    name: "a Keras model (a zip archive with HDF5 inside)",
    conversion:
      "Convert it to .npz, in Python: " +
      "numpy.savez(path, **{w.path: w.numpy() for w in keras.models.load_model(file).weights}).",
  },
  { texts: ZIP, with: /\[Content_Types\]\.xml|_rels\//, name: "an Excel workbook or another Office file" },
  { texts: ZIP, name: "a zip archive", fix: UNPACK },
  { texts: ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"], name: "an old Excel workbook or another Office file" },
  {
    texts: OLD_PYTORCH,
    name: "a PyTorch checkpoint of before version 1.6",
    conversion: SAVE_AGAIN,
  },
  {
    texts: ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"],
    name: "a Python pickle",
    conversion: "If it holds arrays of NumPy, write them with numpy.savez(path, **arrays).",
  },
  { texts: ONNX, name: "an ONNX model", format: "onnx" },
  { texts: ["\x1f\x8b"], name: "a gzip archive", fix: UNPACK },
  { texts: ["\x28\xb5\x2f\xfd"], name: "a Zstandard archive", fix: UNPACK },
  { texts: ["\xfd7zXZ\0"], name: "an xz archive", fix: UNPACK },
  { texts: ["7z\xbc\xaf\x27\x1c"], name: "a 7z archive", fix: UNPACK },
  { texts: ["ustar"], at: 257, name: "a tar archive", fix: UNPACK },
  { texts: ["PAR1"], name: "a Parquet table" },
  { texts: ["ARROW1"], name: "an Arrow table" },
  { texts: ["%PDF-"], name: "a PDF document" },
  {
    texts: ["\0".repeat(16)],
    name: "a file that begins with zeros alone",
    fix: "A download that did not finish leaves such files: fetch it again.",
  },
  {
    texts: [""],
    with: /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|title)\b/i,
    name: "an HTML page",
    fix: FETCH_AGAIN,
  },
  { texts: [""], with: /^(?:\xef\xbb\xbf)?\s*<\?xml\b/i, name: "an XML text", fix: FETCH_AGAIN },
];

/**
 * Recognises common kinds of file by the first `TELLING_BYTES` bytes; undefined for any other.
 *
 * ONNX and pickles have no reserved signature, so their detection is a guess. Call this only for a file that could not
 * be read, or after safetensors is ruled out.
 */
export function kindOfFile(head: Uint8Array): FileKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, TELLING_BYTES));
  return signatures.find(
    ({ texts, at = 0, with: more }) =>
      texts.some((start) => text.startsWith(start, at)) && (more === undefined || more.test(text)),
  );
}
