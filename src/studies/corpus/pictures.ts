import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { DataError } from "../../core/errors.js";
import { readBytes, unreadable } from "../files.js";
import { axesOf, cifarPictures, idxPictures, labelsOfCifar, type OpenFile } from "./arrays.js";
import type { LabelledPicture } from "./gray.js";

const WHERE = "readCorpus";
/** Most bytes of a file and of what it unpacks to: a small archive may unfold to any size. */
const MOST_BYTES = 1e9;
/** Names of the two halves of a data set in IDX files. */
const NAMES = [/images([-.])idx3/, "labels$1idx1"] as const;

const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** The bytes of a file, unpacked if they are a gzip archive. */
async function bytesIn(path: string): Promise<OpenFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(WHERE, path, cause);
  });
  if (!isGzip(bytes)) return { path, bytes };
  try {
    return { path, bytes: gunzipSync(bytes, { maxOutputLength: MOST_BYTES }) };
  } catch (cause) {
    throw new DataError({
      where: WHERE,
      argument: path,
      wanted: `a complete gzip archive of at most ${MOST_BYTES} bytes`,
      got: (cause as Error).message,
      fix: "Fetch the file again.",
    });
  }
}

/** Whether a file may hold pictures: by its first bytes, or as a CIFAR batch, which has no signature, by its name. */
export async function mayHoldPictures(path: string): Promise<boolean> {
  const head = await readBytes(WHERE, path, 0, 4);
  return isGzip(head) || axesOf(head) !== undefined || path.endsWith(".bin");
}

/**
 * The pictures of all IDX pairs and CIFAR batches among files; other files are passed over.
 *
 * @throws DataError with the file that is damaged, or for pictures in an IDX file without its labels beside it.
 */
export async function openPictures(paths: readonly string[]): Promise<LabelledPicture[]> {
  const found: LabelledPicture[] = [];
  for (const path of paths) {
    if (!(await mayHoldPictures(path))) continue;
    const file = await bytesIn(path);
    const labels = labelsOfCifar(file.bytes);
    if (axesOf(file.bytes) === 3) {
      const beside = path.replace(...NAMES);
      if (beside === path)
        throw new DataError({
          where: WHERE,
          argument: path,
          wanted: "a name with images-idx3, which leads to the labels beside it",
          got: "another name",
          fix: "Name the files as the MNIST family does: train-images-idx3-ubyte, train-labels-idx1-ubyte.",
        });
      found.push(...idxPictures(file, await bytesIn(beside)));
    } else if (path.endsWith(".bin") && labels !== undefined) found.push(...cifarPictures(file, labels));
  }
  return found;
}
