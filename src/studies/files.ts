import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { DataError } from "../core/errors.js";
import { kindOfFile } from "../weights/file-kind.js";

/** Most bytes of a text file, which must fit one string of V8. */
const LONGEST_TEXT = 500_000_000;

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);

/** The error for a file that cannot be opened. */
export function unreadable(where: string, path: string, cause: unknown): DataError {
  return new DataError({
    where,
    argument: path,
    wanted: "a readable file",
    got: codeOf(cause),
    fix: "Check the path and its permissions.",
  });
}

function nameOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a named pipe (FIFO)";
  return stats.isSocket() ? "a socket" : "a device";
}

/**
 * The `stat` of a regular file. Pipes and devices are refused, because reading them may never end.
 *
 * @throws DataError if the file is missing or not a regular file.
 */
export async function statFile(where: string, path: string): Promise<Stats> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw unreadable(where, path, cause);
  });
  if (!stats.isFile()) throw new DataError({ where, argument: path, wanted: "a file", got: nameOf(stats) });
  return stats;
}

const lineAt = (text: string, end: number): number => text.slice(0, end).split(/\r\n?|\n/).length;

/** The error for the first byte that is not UTF-8. */
function notUnicode(where: string, path: string, bytes: Uint8Array): DataError {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  // bytes that could not be decoded differ when encoded again
  const again = new TextEncoder().encode(text);
  const at = Math.min(
    again.findIndex((byte, index) => byte !== bytes[index]),
    bytes.length - 1,
  );
  const before = new TextDecoder().decode(bytes.subarray(0, at));
  return new DataError({
    where,
    argument: `${path}, line ${lineAt(before, before.length)}`,
    wanted: "UTF-8",
    got:
      `byte 0x${bytes[at].toString(16)}, ` +
      `"${new TextDecoder("windows-1252").decode(bytes.subarray(at, at + 1))}" in Latin-1`,
    fix: "Save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 old > new.",
  });
}

function decode(where: string, path: string, bytes: Uint8Array): string {
  const mark = Buffer.from(bytes.subarray(0, 2)).toString("hex");
  const encoding = mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    if (encoding === "utf-8") throw notUnicode(where, path, bytes);
    throw new DataError({
      where,
      argument: path,
      wanted: encoding.toUpperCase(),
      got: (cause as Error).message,
      fix: "Save the file as UTF-8.",
    });
  }
}

/** The text of a file's bytes; zero bytes are refused. */
function textOf(where: string, path: string, bytes: Uint8Array): string {
  const text = decode(where, path, bytes);
  const zero = text.indexOf("\0");
  if (zero >= 0)
    throw new DataError({
      where,
      argument: `${path}, line ${lineAt(text, zero)}`,
      wanted: "a text",
      got: "a byte 0, as in binary files and UTF-16",
      fix: "Save the file as UTF-8.",
    });
  return text;
}

/**
 * Reads a text file in UTF-8, or in UTF-16 with a byte order mark, and parses it without the mark.
 *
 * @throws DataError if the path is no file, or the text is too long or in another encoding (with the line). If `parse`
 * throws one and the file is of another known kind, the error names that kind.
 */
export async function readTextFile<Value>(
  where: string,
  path: string,
  parse: (text: string) => Value,
  longest = LONGEST_TEXT,
): Promise<Value> {
  const { size } = await statFile(where, path);
  if (size > longest)
    throw new DataError({ where, argument: path, wanted: `at most ${longest} bytes of text`, got: String(size) });
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(where, path, cause);
  });
  try {
    return parse(textOf(where, path, bytes));
  } catch (cause) {
    const kind = cause instanceof DataError ? kindOfFile(bytes) : undefined;
    if (kind === undefined) throw cause;
    throw new DataError({
      where,
      argument: path,
      wanted: "a text",
      got: kind.name,
      fix: kind.fix ?? "Export it as a text in UTF-8.",
    });
  }
}
