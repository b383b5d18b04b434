import { DataError } from "../../core/errors.js";
import { grayOf, type LabelledPicture } from "./gray.js";

const WHERE = "readCorpus";

const bad = (path: string, wanted: string, got: string, fix?: string): DataError =>
  new DataError({ where: WHERE, argument: path, wanted, got, fix });

/** An IDX file, as the MNIST family is distributed: bytes in an array of one or three axes. */
interface Idx {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/** The axes of IDX files of bytes, by their first four bytes. */
const idxAxes: Readonly<Record<string, number>> = { "00000801": 1, "00000803": 3 };

/** The number of axes that an IDX file of labels (1) or pictures (3) has; undefined for any other file. */
export const axesOf = (bytes: Uint8Array): number | undefined =>
  idxAxes[Buffer.from(bytes.subarray(0, 4)).toString("hex")];

function readIdx(path: string, bytes: Uint8Array, axes: 1 | 3): Idx {
  const content = axes === 1 ? "labels" : "pictures";
  if (axesOf(bytes) !== axes)
    throw bad(path, `an IDX file of ${content} (bytes in ${axes} axes)`, "another first four bytes");
  const head = 4 + 4 * axes;
  if (bytes.length < head) throw bad(path, `a header of ${head} bytes`, String(bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const wanted = head + shape.reduce((a, b) => a * b);
  if (bytes.length !== wanted)
    throw bad(path, `${wanted} bytes for ${shape.join(" × ")} ${content}`, `${bytes.length}`, "Fetch the file again.");
  return { shape, values: bytes.subarray(head) };
}

/** A file and its bytes. */
export interface OpenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Pictures and their labels from a pair of IDX files.
 *
 * @throws DataError if one is damaged or they do not have the same number of entries.
 */
export function idxPictures(pictures: OpenFile, labels: OpenFile): LabelledPicture[] {
  const [data, names] = [readIdx(pictures.path, pictures.bytes, 3), readIdx(labels.path, labels.bytes, 1)];
  const [count, height, width] = data.shape;
  if (names.shape[0] !== count)
    throw bad(labels.path, `${count} labels, as ${pictures.path} has pictures`, String(names.shape[0]));
  const area = height * width;
  if (count > 0 && area === 0) throw bad(pictures.path, "pictures with pixels", `${height} × ${width}`);
  return Array.from(names.values, (label, index) => ({
    levels: data.values.subarray(index * area, (index + 1) * area),
    label: String(label),
  }));
}

const AREA = 32 * 32;
/** Labels before the pixels of a picture: CIFAR-10 has the class, CIFAR-100 a coarse and a fine one. */
const cifarLabels = [1, 2] as const;
/** The classes of CIFAR-10 and the fine ones of CIFAR-100. */
const CLASSES = { 1: 10, 2: 100 } as const;

/** The number of labels of a picture in a CIFAR batch; undefined for a file that is none. */
export const labelsOfCifar = (bytes: Uint8Array): 1 | 2 | undefined =>
  cifarLabels.find(
    (labels) => bytes.length > 0 && bytes.length % (labels + 3 * AREA) === 0 && bytes[labels - 1] < CLASSES[labels],
  );

/**
 * Pictures of a CIFAR-10 or CIFAR-100 binary batch in grey levels; of CIFAR-100 the fine classes.
 *
 * @throws DataError with the picture whose class does not exist.
 */
export function cifarPictures({ path, bytes }: OpenFile, labels: 1 | 2): LabelledPicture[] {
  const stride = labels + 3 * AREA;
  return Array.from({ length: bytes.length / stride }, (_, index) => {
    const start = index * stride + labels;
    const label = bytes[start - 1];
    if (label >= CLASSES[labels])
      throw bad(`${path}, picture ${index + 1}`, `a class below ${CLASSES[labels]}`, String(label));
    const level = (place: number): number =>
      grayOf(bytes[start + place], bytes[start + AREA + place], bytes[start + 2 * AREA + place]);
    return { levels: Uint8Array.from({ length: AREA }, (_, place) => level(place)), label: String(label) };
  });
}
