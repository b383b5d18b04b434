import { basename, extname } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { DataError } from "../../core/errors.js";
import { parseJson, showJson } from "../../core/json.js";
import { readTextFile } from "../files.js";
import { spamAssassin, type Corpus, type Example } from "./corpus.js";

const WHERE = "readCorpus";
const WAY_OUT =
  'Give a .csv file whose first line is "text,label", or a .jsonl file with {"text": ..., "label": ...} on every line.';

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
/** Most columns named in an error message. */
const MOST_COLUMNS = 8;

function checkColumns(path: string, names: readonly string[]): void {
  const some = names.slice(0, MOST_COLUMNS).map((name) => showJson(name));
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : "";
  const shown = `columns ${some.join(", ")}${more}`;
  for (const column of ["text", "label"]) {
    if (names.filter((name) => name === column).length !== 1) throw bad(path, 1, `one column named ${column}`, shown);
  }
}

function parseCsv(path: string, content: string): Example[] {
  let rows: NumberedRecord[];
  try {
    rows = parse(content, {
      columns(names: string[]) {
        checkColumns(path, names);
        return names;
      },
      info: true,
      // by default the parser takes the end of the first line for that of every line
      record_delimiter: content.includes("\n") ? ["\r\n", "\n"] : ["\r"],
      skip_empty_lines: true,
      trim: true,
    }) as unknown as NumberedRecord[];
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = (cause as CsvError & { readonly lines?: number }).lines;
    throw bad(path, line, "well-formed CSV", cause.message.slice(0, LONGEST_CAUSE));
  }
  return rows.map(({ record, info }) => toExample(path, info.lines, record));
}

function parseJsonLines(path: string, content: string): Example[] {
  return content.split(/\r\n?|\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    let record: unknown;
    try {
      record = parseJson(line);
    } catch (cause) {
      throw bad(path, index + 1, "JSON with keys that differ", (cause as Error).message);
    }
    return [toExample(path, index + 1, record)];
  });
}

/**
 * Labelled texts from a CSV file (columns text and label) or a JSON Lines file (keys text and label), in UTF-8, or in
 * UTF-16 with a byte order mark.
 *
 * @throws DataError with the line number when the file cannot be read or a record is malformed.
 */
export async function readCorpus(path: string): Promise<Corpus> {
  const parsers: Readonly<Record<string, (path: string, content: string) => Example[]>> = {
    ".csv": parseCsv,
    ".jsonl": parseJsonLines,
    ".ndjson": parseJsonLines,
  };
  const extension = extname(path).toLowerCase();
  const parser = parsers[extension];
  if (!parser)
    throw bad(path, undefined, "a file named .csv, .jsonl or .ndjson", extension === "" ? "no extension" : extension);
  const examples = await readTextFile(WHERE, path, (content) => parser(path, content));
  if (examples.length === 0) throw bad(path, undefined, "at least one record", "none");
  return { name: basename(path), examples };
}

/** The user's own texts, or the SpamAssassin corpus without a path. */
export const openCorpus = (path: string | undefined): Promise<Corpus> =>
  path === undefined ? spamAssassin() : readCorpus(path);
