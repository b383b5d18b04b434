/* eslint-disable no-control-regex */
import { Writable } from "node:stream";

/** Most characters of an error message, which may quote a whole file. */
const MOST = 1000;

/** Writes to `first` until it fails, then to `second`; calls `failed` once. */
export function withFallback(
  first: Writable,
  second: Writable,
  failed: (error: NodeJS.ErrnoException) => void,
): Writable {
  let isBroken = false;
  first.on("error", (error) => {
    if (isBroken) return;
    isBroken = true;
    failed(error);
  });
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      (isBroken ? second : first).write(chunk);
      done();
    },
  });
}

/** A message on one line, without control characters; a long one is cut in the middle. */
export function oneLine(message: string): string {
  const line = message
    .replace(/\s*\n\s*/g, " ")
    .trim()
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  return `${line.length > MOST ? `${line.slice(0, MOST / 2)} [...] ${line.slice(-MOST / 2)}` : line}\n`;
}
