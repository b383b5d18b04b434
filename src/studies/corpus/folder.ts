import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { convertIndexedToRgb, decode, hasPngSignature } from "fast-png";
import { DataError } from "../../core/errors.js";
import { readTextFile, unreadable } from "../files.js";
import type { Corpus, Example } from "./corpus.js";
import { gatherExamples } from "./gather.js";
import { grayOf, pictureCorpus, type LabelledPicture } from "./gray.js";
import { openPictures } from "./pictures.js";

const WHERE = "readCorpus";
/** Parts of a published data set, whose folders have the classes in them. Their texts are pooled. */
const PARTS = ["train", "test", "val", "valid"];
/** Texts of IMDb that have no label. */
const UNLABELLED = "unsup";
/** Most pixels along a side of a picture. */
const LONGEST_SIDE = 4096;

const bad = (path: string, wanted: string, got: string, fix?: string): DataError =>
  new DataError({ where: WHERE, argument: path, wanted, got, fix });

/** Names of the files and folders in a folder, in a fixed order, without hidden ones. */
async function entriesOf(path: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(WHERE, path, cause);
  });
  const shown = entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    files: shown.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
    folders: shown.filter((entry) => entry.isDirectory()).map(({ name }) => name),
  };
}

interface ClassFile {
  readonly path: string;
  readonly label: string;
}

/** The files of every class: of the folder's folders, or of theirs if these are named after parts. */
async function classFiles(path: string, folders: readonly string[]): Promise<ClassFile[]> {
  const found: ClassFile[] = [];
  for (const name of folders) {
    const inner = join(path, name);
    const { files, folders: deeper } = await entriesOf(inner);
    if (PARTS.includes(name.toLowerCase()) && deeper.length > 0) found.push(...(await classFiles(inner, deeper)));
    else if (name !== UNLABELLED) {
      const label = name.normalize();
      found.push(...files.map((file) => ({ path: join(inner, file), label })));
    }
  }
  return found;
}

async function readText({ path, label }: ClassFile): Promise<Example> {
  const text = await readTextFile(WHERE, path, (content) => content);
  if (text.trim() === "") throw bad(path, "a text", "an empty file");
  return { text, label };
}

/** The grey levels of a PNG; transparent pixels keep their colour. */
function readPng(path: string, bytes: Uint8Array): { readonly levels: Uint8Array; readonly size: string } {
  if (!hasPngSignature(bytes)) throw bad(path, "a PNG, as its name says", "another signature");
  // the header is 13 bytes from byte 16 on; checked before a small file unfolds to gigabytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sides = bytes.length < 24 ? [0, 0] : [view.getUint32(16), view.getUint32(20)];
  if (sides.some((side) => side < 1 || side > LONGEST_SIDE))
    throw bad(path, `sides of 1 to ${LONGEST_SIDE} pixels`, sides.join(" × "));
  try {
    const picture = decode(bytes, { checkCrc: true });
    const { width, height, depth, palette } = picture;
    if (depth !== 8 && palette === undefined) throw bad(path, "8 bits for a channel", String(depth));
    const data = palette === undefined ? picture.data : convertIndexedToRgb(picture);
    const channels = data.length / (width * height);
    const levels = Uint8Array.from({ length: width * height }, (_, pixel) => {
      const at = pixel * channels;
      return channels < 3 ? data[at] : grayOf(data[at], data[at + 1], data[at + 2]);
    });
    return { levels, size: `${width} × ${height}` };
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw bad(path, "a complete PNG", (cause as Error).message, "Save the picture again.");
  }
}

async function readPngs(files: readonly ClassFile[]): Promise<LabelledPicture[]> {
  const pictures: LabelledPicture[] = [];
  let first: string | undefined;
  for (const { path, label } of files) {
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw unreadable(WHERE, path, cause);
    });
    const { levels, size } = readPng(path, bytes);
    first ??= size;
    if (size !== first) throw bad(path, `${first} pixels, as the first picture has`, size);
    pictures.push({ levels, label });
  }
  return pictures;
}

const isPng = (path: string): boolean => extname(path).toLowerCase() === ".png";

/**
 * Labelled texts or pictures from a folder: IDX files or CIFAR batches in it, or a folder of text files or PNGs for
 * each class. Of IMDb as it is distributed, `train` and `test` are pooled and texts without a label are left out.
 * Texts that have more than `characters` characters together are sampled.
 *
 * @throws DataError with the file that cannot be read, or if the folder has none of these.
 */
export async function readFolder(path: string, characters?: number): Promise<Corpus> {
  const name = basename(path);
  const { files, folders } = await entriesOf(path);
  const pictures = await openPictures(files.map((file) => join(path, file)));
  if (pictures.length > 0) return pictureCorpus(name, pictures);
  const inClasses = await classFiles(path, folders);
  const pngs = inClasses.filter((file) => isPng(file.path));
  if (pngs.length > 0) {
    const other = inClasses.find((file) => !isPng(file.path));
    if (other !== undefined)
      throw bad(other.path, "a PNG, as others in the folders of the classes are", "another name");
    return pictureCorpus(name, await readPngs(pngs));
  }
  if (inClasses.length === 0)
    throw bad(
      path,
      "IDX files, CIFAR batches, or a folder of text files or PNGs for each class",
      folders.length === 0 ? "neither folders nor such files" : "folders without files",
    );
  const gathered = gatherExamples(characters);
  for (const file of inClasses) gathered.add(await readText(file));
  return gathered.corpus(name);
}
