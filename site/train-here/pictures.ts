import type { Backend } from "attention-kernels";
import { kinds } from "../../src/studies/pathfinder/kinds.js";
import { patches } from "../../src/studies/corpus/patches.js";
import { drawPictures, type Pictures } from "../../src/studies/pathfinder/pictures.js";
import type { Data, Examples } from "./train.js";

/** Side of the patches that are tokens, in pixels: the study's. */
const PATCH = 16;

/** Data whose sequences are the patches of pictures. */
export interface PictureData extends Data {
  readonly pictures: Pictures;
}

/**
 * Easy Pathfinder pictures, those of `study pathfinder` for the same seed.
 *
 * @param how seed, pictures to train on and to test on
 */
export function pictureData(how: {
  readonly seed: number;
  readonly examples: number;
  readonly tests: number;
}): PictureData {
  const { seed, examples, tests } = how;
  const sizes = { tokens: (kinds.easy.size / PATCH) ** 2, vocabulary: PATCH ** 2 };
  const part = (pictures: Pictures): Examples => ({
    labels: pictures.labels,
    inputs: (backend: Backend, rows) =>
      backend.tensor(patches(pictures, rows, PATCH), [rows.length, sizes.tokens, sizes.vocabulary]),
  });
  const pictures = drawPictures(kinds.easy, tests, 4 * seed + 1);
  return { sizes, train: part(drawPictures(kinds.easy, examples, 4 * seed)), test: part(pictures), pictures };
}
