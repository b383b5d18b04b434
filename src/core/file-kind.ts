/** A file that was taken for another. */
export interface FileKind {
  /** With its article: "a Git LFS pointer". */
  readonly name: string;
  /** The way to the file that was meant, where it is the same for every reader. */
  readonly fix?: string;
}

/** So many first bytes tell every kind. */
export const TELLING_BYTES = 1024;

const FETCH_AGAIN = "What came is a server's answer: fetch the file itself; on Hugging Face its address has /resolve/ where that of its page has /blob/.";
const UNPACK = "Unpack it first.";

interface Signature extends FileKind {
  /** What the file holds at byte `at`, one character a byte; one of them. */
  readonly texts: readonly string[];
  readonly at?: number;
  /** What must follow somewhere in the first bytes. */
  readonly with?: RegExp;
}

const ZIP = ["PK\x03\x04", "PK\x05\x06"];
/** `ir_version` (field 1, a small number), then `producer_name`, `graph` or `opset_import`: the first fields of a ModelProto. */
const ONNX = Array.from({ length: 32 }, (_, version) => ["\x12", ":", "B"].map((field) => `\x08${String.fromCharCode(version + 1)}${field}`)).flat();

/** Of a kind within another, the narrower stands first. */
const signatures: readonly Signature[] = [
  { texts: ["version https://git-lfs.github.com/spec/"], name: "a Git LFS pointer", fix: "It stands for a file that was not fetched: run git lfs pull, or download the file itself." },
  { texts: ["GGUF"], name: "a GGUF model (llama.cpp)" },
  { texts: ["TFL3"], at: 4, name: "a TensorFlow Lite model" },
  { texts: ["\x89HDF\r\n\x1a\n"], name: "an HDF5 file (Keras weights, for example)" },
  { texts: ["\x93NUMPY"], name: "a NumPy array (.npy)" },
  { texts: ZIP, with: /\.npy/, name: "a zip archive of NumPy arrays (.npz)" },
  { texts: ZIP, with: /\/(?:data\.pkl|version|byteorder|\.format_version)/, name: "a PyTorch checkpoint (a zip archive with a pickle)" },
  { texts: ZIP, with: /\[Content_Types\]\.xml|_rels\//, name: "an Excel workbook or another Office file" },
  { texts: ZIP, name: "a zip archive", fix: UNPACK },
  { texts: ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"], name: "an old Excel workbook or another Office file" },
  { texts: ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"], name: "a Python pickle (an old PyTorch checkpoint, for example)" },
  { texts: ONNX, name: "an ONNX model" },
  { texts: ["\x1f\x8b"], name: "a gzip archive", fix: UNPACK },
  { texts: ["\x28\xb5\x2f\xfd"], name: "a Zstandard archive", fix: UNPACK },
  { texts: ["\xfd7zXZ\0"], name: "an xz archive", fix: UNPACK },
  { texts: ["7z\xbc\xaf\x27\x1c"], name: "a 7z archive", fix: UNPACK },
  { texts: ["ustar"], at: 257, name: "a tar archive", fix: UNPACK },
  { texts: ["PAR1"], name: "a Parquet table" },
  { texts: ["ARROW1"], name: "an Arrow table" },
  { texts: ["%PDF-"], name: "a PDF document" },
  { texts: ["\0".repeat(16)], name: "a file that begins with zeros alone", fix: "A download that did not finish leaves such files: fetch it again." },
  { texts: [""], with: /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|title)\b/i, name: "an HTML page", fix: FETCH_AGAIN },
  { texts: [""], with: /^(?:\xef\xbb\xbf)?\s*<\?xml\b/i, name: "an XML text", fix: FETCH_AGAIN },
];

/**
 * What a file is by its first bytes (`TELLING_BYTES` of them), where it is a kind that is often found in place of another; undefined for all else.
 *
 * ONNX and pickles have no signature of their own: how they begin is a guess, so ask only about a file that could not be read.
 */
export function kindOfFile(head: Uint8Array): FileKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, TELLING_BYTES));
  return signatures.find(({ texts, at = 0, with: more }) => texts.some((start) => text.startsWith(start, at)) && (more === undefined || more.test(text)));
}
