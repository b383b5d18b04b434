import { random } from "../../core/random.js";
import type { Corpus, Example } from "./corpus.js";

/** Most characters of texts that are kept in memory, at two bytes or fewer each. */
const MOST_CHARACTERS = 250_000_000;
/** What a text takes beside its characters, in characters. */
const OVERHEAD = 100;
/** Seed of the choice of texts. */
const CHOICE = 0;

/** Labelled texts that fit into memory. */
export interface Gathered {
  add(example: Example): void;
  /** All texts, or a uniform sample of them in their order. A sample has its size in its name. */
  corpus(name: string): Corpus;
}

const sizeOf = ({ text }: Example): number => text.length + OVERHEAD;

/**
 * Gathers texts of at most `most` characters together, 100 added for each text. Every text draws a number in [0, 1)
 * and is kept if that is below a threshold. When the texts become too many, the threshold is halved.
 */
export function gatherExamples(most = MOST_CHARACTERS): Gathered {
  const source = random(CHOICE);
  let kept: { readonly example: Example; readonly drawn: number }[] = [];
  let threshold = 1;
  let size = 0;
  let seen = 0;
  const isKept = ({ drawn }: { readonly drawn: number }): boolean => drawn < threshold;
  return {
    add(example) {
      seen++;
      const entry = { example, drawn: source.uniform() };
      if (!isKept(entry)) return;
      kept.push(entry);
      size += sizeOf(example);
      while (size > most && kept.length > 1) {
        threshold /= 2;
        const fewer = kept.filter(isKept);
        if (fewer.length === 0) break; // the threshold would leave none: keeps these, though they are too many
        kept = fewer;
        size = kept.reduce((sum, entry) => sum + sizeOf(entry.example), 0);
      }
    },
    corpus: (name) => ({
      name: kept.length === seen ? name : `${name} (${kept.length} of its ${seen} texts, drawn at random)`,
      examples: kept.map(({ example }) => example),
    }),
  };
}
