import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { DataError } from "../../core/errors.js";
import { spamAssassin, type Corpus, type Example } from "./corpus.js";

const WAY_OUT = 'Give a .csv file whose first line is "text,label", or a .jsonl file with {"text": ..., "label": ...} on every line.';

function bad(path: string, line: number | undefined, wanted: string, got: string, fix = WAY_OUT): DataError {
  const place = line === undefined ? path : `${path}, line ${line}`;
  return new DataError({ where: "readCorpus", argument: place, wanted, got, fix });
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

function toExample(path: string, line: number, record: unknown): Example {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    throw bad(path, line, "an object with text and label", describe(record));
  }
  const { text, label } = record as { readonly text?: unknown; readonly label?: unknown };
  if (typeof text !== "string" || text.trim() === "") throw bad(path, line, "a non-empty string in text", describe(text));
  const isName = (typeof label === "string" && label.trim() !== "") || typeof label === "number" || typeof label === "boolean";
  if (!isName) throw bad(path, line, "a label (a word, a number or a boolean)", describe(label));
  return { text, label: String(label).trim() };
}

interface NumberedRecord {
  readonly record: unknown;
  readonly info: { readonly lines: number };
}

function parseCsv(path: string, content: string): Example[] {
  let rows: NumberedRecord[];
  try {
    rows = parse(content, { bom: true, columns: true, info: true, skip_empty_lines: true, trim: true }) as unknown as NumberedRecord[];
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = (cause as CsvError & { readonly lines?: number }).lines;
    throw bad(path, line, "well-formed CSV", cause.message);
  }
  const first = rows[0]?.record as Record<string, unknown> | undefined;
  for (const column of ["text", "label"]) {
    if (first && !(column in first)) throw bad(path, 1, `a column named ${column}`, `columns ${Object.keys(first).join(", ")}`);
  }
  return rows.map(({ record, info }) => toExample(path, info.lines, record));
}

function parseJsonLines(path: string, content: string): Example[] {
  return content
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === "") return [];
      let record: unknown;
      try {
        record = JSON.parse(line);
      } catch {
        throw bad(path, index + 1, "JSON", describe(line));
      }
      return [toExample(path, index + 1, record)];
    });
}

/**
 * Labelled texts from a CSV file (columns text and label) or a JSON Lines file (keys text and label).
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
  if (!parser) throw bad(path, undefined, "a file named .csv, .jsonl or .ndjson", extension === "" ? "no extension" : extension);
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw bad(path, undefined, "a readable file", reason, "Check the path and its permissions.");
  }
  const examples = parser(path, content);
  if (examples.length === 0) throw bad(path, undefined, "at least one record", "none");
  return { name: basename(path), examples };
}

/** The user's own texts, or without a path the SpamAssassin corpus. */
export const openCorpus = (path: string | undefined): Promise<Corpus> => (path === undefined ? spamAssassin() : readCorpus(path));
