import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { DataError } from "../../core/errors.js";
import { parseJson, showJson } from "../../core/json.js";
import { readTextPieces, statFile } from "../files.js";
import { spamAssassin, type Corpus, type Example } from "./corpus.js";
import { readFolder } from "./folder.js";
import { gatherExamples } from "./gather.js";
import { pictureCorpus } from "./gray.js";
import { mayHoldPictures, openPictures } from "./pictures.js";

const WHERE = "readCorpus";
const WAY_OUT =
  "Give a CSV or TSV file whose first line names columns text and label, JSON Lines with these keys, or a folder for " +
  "each class: docs/studies.md.";

function bad(path: string, line: number | undefined, wanted: string, got: string): DataError {
  const place = line === undefined ? path : `${path}, line ${line}`;
  return new DataError({ where: WHERE, argument: place, wanted, got, fix: WAY_OUT });
}

function toExample(path: string, line: number, record: unknown): Example {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    throw bad(path, line, "an object with text and label", showJson(record));
  }
  const { text, label } = record as { readonly text?: unknown; readonly label?: unknown };
  if (typeof text !== "string" || text.trim() === "")
    throw bad(path, line, "a non-empty string in text", showJson(text));
  const isName =
    (typeof label === "string" && label.trim() !== "") || typeof label === "number" || typeof label === "boolean";
  if (!isName) throw bad(path, line, "a label (a word, a number or a boolean)", showJson(label));
  return { text, label: String(label).trim().normalize() };
}

interface NumberedRecord {
  readonly record: unknown;
  readonly info: { readonly lines: number };
}

/** Most characters of a CSV parser's message, which quotes the field in full. */
const LONGEST_CAUSE = 200;
/** Characters of a table that are parsed at once; all records in them are in memory together. */
const SLICE = 2 ** 20;
/** Most characters of a record, so that a quote that is never closed does not take all memory. */
const LONGEST_RECORD = 2 ** 26;
/** Most columns named in an error message. */
const MOST_COLUMNS = 8;
/** Most characters shown of a text that is no table. */
const SHOWN = 60;

/** Names of the two columns, by the data set: this library's, SST and GLUE, Long Range Arena. */
const columnNames = {
  text: ["text", "sentence", "source"],
  label: ["label", "target"],
} as const;

type Column = keyof typeof columnNames;

/** Names the columns of text and label, whatever the data set calls them. */
function namedColumns(path: string, names: readonly string[]): string[] {
  const some = names.slice(0, MOST_COLUMNS).map((name) => showJson(name));
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : "";
  const shown = `columns ${some.join(", ")}${more}`;
  const named = [...names];
  for (const [column, others] of Object.entries(columnNames) as [Column, readonly string[]][]) {
    const known = names.includes(column) ? [column] : others;
    const places = [...names.keys()].filter((place) => known.includes(names[place].toLowerCase()));
    if (places.length !== 1) throw bad(path, 1, `one column named ${column}`, shown);
    named[places[0]] = column;
  }
  return named;
}

/** Parses pieces of whole lines, the first of which is `first`. */
type Parser = (path: string, first: string, pieces: AsyncIterable<string>) => AsyncGenerator<Example>;

async function* slicesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces)
    for (let start = 0; start < piece.length; start += SLICE) yield piece.slice(start, start + SLICE);
}

const parseTable = (separator: "," | "\t"): Parser =>
  async function* (path, first, pieces) {
    const rows = parse({
      columns: (names: string[]) => namedColumns(path, names),
      delimiter: separator,
      // a quote in a TSV of SST or Long Range Arena is a character of the text
      quote: separator === "," ? '"' : null,
      info: true,
      // by default the parser takes the end of the first line for that of every line
      record_delimiter: first.includes("\n") ? ["\r\n", "\n"] : ["\r"],
      skip_empty_lines: true,
      trim: true,
      max_record_size: LONGEST_RECORD,
    });
    const fed = pipeline(Readable.from(slicesOf(pieces)), rows);
    fed.catch(() => undefined); // the rows fail with the same error
    try {
      for await (const { record, info } of rows as AsyncIterable<NumberedRecord>)
        yield toExample(path, info.lines, record);
    } catch (cause) {
      if (!(cause instanceof CsvError)) throw cause;
      const line = (cause as CsvError & { readonly lines?: number }).lines;
      const wanted = `well-formed ${separator === "," ? "CSV" : "TSV"}`;
      throw bad(path, line, wanted, cause.message.slice(0, LONGEST_CAUSE));
    }
  };

const parseJsonLines: Parser = async function* (path, _, pieces) {
  let before = 0;
  for await (const piece of pieces) {
    const lines = piece.split(/\r\n?|\n/);
    for (const [index, line] of lines.entries()) {
      if (line.trim() === "") continue;
      let record: unknown;
      try {
        record = parseJson(line);
      } catch (cause) {
        throw bad(path, before + index + 1, "JSON with keys that differ", (cause as Error).message);
      }
      yield toExample(path, before + index + 1, record);
    }
    before += lines.length - 1; // a piece ends with a line feed, after which `split` has an empty line
  }
};

const parsers: Readonly<Record<string, Parser>> = {
  ".csv": parseTable(","),
  ".tsv": parseTable("\t"),
  ".jsonl": parseJsonLines,
  ".ndjson": parseJsonLines,
};

/** The parser of a text without one of the known names, by its first line. */
function parserOf(content: string): Parser | undefined {
  const [line] = /^.*/.exec(content) ?? [""];
  if (line.trimStart().startsWith("{")) return parseJsonLines;
  if (line.includes("\t")) return parsers[".tsv"];
  return line.includes(",") ? parsers[".csv"] : undefined;
}

async function* parseTexts(path: string, pieces: AsyncGenerator<string>): AsyncGenerator<Example> {
  const { value: first = "" } = (await pieces.next()) as { readonly value?: string };
  const parser = parsers[extname(path).toLowerCase()] ?? parserOf(first);
  if (!parser) throw bad(path, 1, "the columns of a CSV or TSV file, or JSON", showJson(first.slice(0, SHOWN)));
  const all = async function* (): AsyncGenerator<string> {
    yield first;
    yield* pieces;
  };
  yield* parser(path, first, all());
}

/** What is in memory at once; the defaults are those of `gatherExamples` and `readTextPieces`. */
interface Limits {
  /** Most characters of the texts that are kept, with 100 added for each text. */
  readonly characters?: number;
  /** Bytes of a file that are decoded together. */
  readonly piece?: number;
}

/**
 * Labelled texts from a CSV or TSV file, a JSON Lines file or a folder with a folder of texts for each class, in UTF-8,
 * or in UTF-16 with a byte order mark; or pictures as sequences of grey levels: IDX files, CIFAR batches, PNGs. Texts
 * that do not fit into memory are sampled.
 *
 * @throws DataError with the line or the file that cannot be read.
 */
export async function readCorpus(path: string, limits: Limits = {}): Promise<Corpus> {
  const stats = await stat(path).catch(() => undefined); // `statFile` says what is wrong
  if (stats?.isDirectory()) return readFolder(path, limits.characters);
  await statFile(WHERE, path);
  const name = basename(path);
  if (await mayHoldPictures(path)) {
    const pictures = await openPictures([path]);
    if (pictures.length > 0) return pictureCorpus(name, pictures);
  }
  const gathered = gatherExamples(limits.characters);
  await readTextPieces(
    WHERE,
    path,
    async (pieces) => {
      for await (const example of parseTexts(path, pieces)) gathered.add(example);
    },
    limits.piece,
  );
  const corpus = gathered.corpus(name);
  if (corpus.examples.length === 0) throw bad(path, undefined, "at least one record", "none");
  return corpus;
}

/** The user's own texts, or the SpamAssassin corpus without a path. */
export const openCorpus = (path: string | undefined): Promise<Corpus> =>
  path === undefined ? spamAssassin() : readCorpus(path);
