import type { Stats } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { DataError } from "../core/errors.js";
import { kindOfFile, TELLING_BYTES } from "../weights/file-kind.js";

/** Most bytes of a text file, which must fit one string of V8. */
const LONGEST_TEXT = 500_000_000;
/** Bytes of a long text that are decoded at once. */
const PIECE = 2 ** 26;
const [LINE_FEED, CARRIAGE_RETURN] = [10, 13];

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

/** The number of the line of character `end`. */
function lineAt(text: string, end: number): number {
  let line = 1;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === LINE_FEED || (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) !== LINE_FEED)) line++;
  }
  return line;
}

/** A text that is decoded, and the lines of its file before it. */
interface Encoded {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

/** The error for the first byte that is not UTF-8. */
function notUnicode(where: string, path: string, { bytes, lines }: Encoded): DataError {
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
    argument: `${path}, line ${lines + lineAt(before, before.length)}`,
    wanted: "UTF-8",
    got:
      `byte 0x${bytes[at].toString(16)}, ` +
      `"${new TextDecoder("windows-1252").decode(bytes.subarray(at, at + 1))}" in Latin-1`,
    fix: "Save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 old > new.",
  });
}

/** The encoding by the byte order mark; without one UTF-8. */
function encodingOf(bytes: Uint8Array): "utf-16le" | "utf-16be" | "utf-8" {
  const mark = Buffer.from(bytes.subarray(0, 2)).toString("hex");
  return mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
}

function decode(where: string, path: string, encoded: Encoded): string {
  const { bytes, lines } = encoded;
  const encoding = lines === 0 ? encodingOf(bytes) : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: lines > 0 }).decode(bytes);
  } catch (cause) {
    if (encoding === "utf-8") throw notUnicode(where, path, encoded);
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
function textOf(where: string, path: string, encoded: Encoded): string {
  const text = decode(where, path, encoded);
  const zero = text.indexOf("\0");
  if (zero >= 0)
    throw new DataError({
      where,
      argument: `${path}, line ${encoded.lines + lineAt(text, zero)}`,
      wanted: "a text",
      got: "a byte 0, as in binary files and UTF-16",
      fix: "Save the file as UTF-8.",
    });
  return text;
}

/** Reads `count` bytes, or fewer at the end, from byte `start` on. */
export async function readBytes(where: string, path: string, start: number, count: number): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(where, path, cause);
  }
}

/** Reads a regular file. If `read` throws a `DataError` and the file is of another known kind, the error names it. */
async function readText<Value>(where: string, path: string, read: (size: number) => Promise<Value>): Promise<Value> {
  const { size } = await statFile(where, path);
  try {
    return await read(size);
  } catch (cause) {
    const kind = cause instanceof DataError ? kindOfFile(await readBytes(where, path, 0, TELLING_BYTES)) : undefined;
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

async function wholeText(where: string, path: string, size: number, longest = LONGEST_TEXT): Promise<string> {
  if (size > longest)
    throw new DataError({ where, argument: path, wanted: `at most ${longest} bytes of text`, got: String(size) });
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(where, path, cause);
  });
  return textOf(where, path, { bytes, lines: 0 });
}

/**
 * Reads a text file in UTF-8, or in UTF-16 with a byte order mark, and parses it without the mark.
 *
 * @throws DataError if the path is no file, or the text is too long or in another encoding (with the line). If `parse`
 * throws one and the file is of another known kind, the error names that kind.
 */
export const readTextFile = <Value>(
  where: string,
  path: string,
  parse: (text: string) => Value,
  longest?: number,
): Promise<Value> => readText(where, path, async (size) => parse(await wholeText(where, path, size, longest)));

async function* textPieces(where: string, path: string, size: number, most: number): AsyncGenerator<string> {
  const isLong = size > most && encodingOf(await readBytes(where, path, 0, 2)) === "utf-8";
  if (!isLong) {
    yield await wholeText(where, path, size);
    return;
  }
  let lines = 0;
  for (let start = 0; start < size;) {
    const read = await readBytes(where, path, start, most);
    const end = start + read.length < size ? read.lastIndexOf(LINE_FEED) + 1 : read.length;
    if (end === 0)
      throw new DataError({
        where,
        argument: `${path}, line ${lines + 1}`,
        wanted: `lines of at most ${most} bytes that end with a line feed`,
        got: "a longer one",
      });
    const text = textOf(where, path, { bytes: read.subarray(0, end), lines });
    yield text;
    lines += lineAt(text, text.length) - 1;
    start += end;
  }
}

/**
 * Reads a text file as `readTextFile` does, however long it is: `parse` gets pieces of whole lines, one after the
 * other. Only a file in UTF-16 is one piece.
 */
export const readTextPieces = <Value>(
  where: string,
  path: string,
  parse: (pieces: AsyncGenerator<string>) => Promise<Value>,
  piece = PIECE,
): Promise<Value> => readText(where, path, (size) => parse(textPieces(where, path, size, piece)));
