import type { Corpus, Example } from "./corpus.js";

/** Grey levels of a picture, row by row, and the name of its class. */
export interface LabelledPicture {
  readonly levels: Uint8Array;
  readonly label: string;
}

/** The grey level of a colour, by the weights of ITU-R BT.601. */
export const grayOf = (red: number, green: number, blue: number): number =>
  Math.round(0.299 * red + 0.587 * green + 0.114 * blue);

const levelsOf = (text: string, limit: number): string[] => [...text.slice(0, limit)];

/** Pictures as texts of one character for each pixel, so that tokens are grey levels, as in Long Range Arena. */
export function pictureCorpus(name: string, pictures: readonly LabelledPicture[]): Corpus {
  const examples = pictures.map(({ levels, label }): Example => ({
    text: Buffer.from(levels).toString("latin1"),
    label,
  }));
  return { name: `${name} (pictures as sequences of grey levels)`, examples, tokenize: levelsOf, bytes: levelsOf };
}
