import { DataError } from "../../core/errors.js";
import type { Random } from "../../core/random.js";
import type { EncodedExamples } from "../corpus/dataset.js";
import { PADDING } from "../corpus/vocabulary.js";

/** N texts as numbers: inputs `[N, n, D]` and one-hot targets `[N, n, classes]`, as nested arrays. */
export interface Sample {
  readonly inputs: readonly (readonly (readonly number[])[])[];
  readonly targets: readonly (readonly (readonly number[])[])[];
}

/** Sinusoidal position code of Vaswani et al. 2017, sin and cos of position / 10000^(2i/D), scaled to length 1. */
function position(token: number, column: number, width: number): number {
  const angle = token / 10_000 ** ((2 * Math.floor(column / 2)) / width);
  return Math.sqrt(2 / width) * (column % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
}

/**
 * Rows of texts with at least `tokens` words, from the classes in turn.
 *
 * Texts that share no word with earlier choices come first, because equal rows make the kernel matrix singular.
 */
function chooseRows(examples: EncodedExamples, classes: number, count: number, tokens: number): number[] {
  const words = (row: number): readonly number[] =>
    Array.from(examples.ids.subarray(row * examples.tokens, row * examples.tokens + tokens));
  const queues = Array.from({ length: classes }, (_, label) =>
    Array.from(examples.labels.keys()).filter((row) => examples.labels[row] === label && !words(row).includes(PADDING)),
  );
  const turns = Math.max(...queues.map((queue) => queue.length));
  const candidates = Array.from({ length: turns }, (_, turn) =>
    queues.flatMap((queue) => queue.slice(turn, turn + 1)),
  ).flat();
  if (candidates.length < count) {
    throw new DataError({
      where: "chooseSample",
      argument: "examples",
      wanted: `${count} training texts of at least ${tokens} words`,
      got: `${candidates.length}`,
      fix: "Add longer texts.",
    });
  }
  const used = new Set<number>();
  const fresh = candidates.filter((row) => {
    const own = new Set(words(row));
    if (own.size < tokens || [...own].some((id) => used.has(id))) return false;
    own.forEach((id) => used.add(id));
    return true;
  });
  return [...new Set([...fresh, ...candidates])].slice(0, count);
}

/**
 * The first `tokens` tokens of `samples` texts, as seeded Gaussian embeddings plus sinusoidal positions, both of length
 * about 1.
 *
 * Every token's target is its text's class, one-hot.
 * @throws DataError when too few texts are long enough.
 */
export function chooseSample(
  examples: EncodedExamples,
  classes: number,
  source: Random,
  size: { readonly samples: number; readonly tokens: number; readonly width: number },
): Sample {
  const { samples, tokens, width } = size;
  const embeddings = new Map<number, Float64Array>();
  const embed = (id: number): Float64Array => {
    const known = embeddings.get(id) ?? source.normals(width, 1 / Math.sqrt(width));
    embeddings.set(id, known);
    return known;
  };
  const rows = chooseRows(examples, classes, samples, tokens);
  return {
    inputs: rows.map((row) =>
      Array.from({ length: tokens }, (_, token) =>
        Array.from(
          embed(examples.ids[row * examples.tokens + token]),
          (value, column) => value + position(token, column, width),
        ),
      ),
    ),
    targets: rows.map((row) =>
      Array.from({ length: tokens }, () =>
        Array.from({ length: classes }, (_, label) => Number(label === examples.labels[row])),
      ),
    ),
  };
}
