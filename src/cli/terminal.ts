import type { Writable } from "node:stream";

/** Streams of the command line, and the signal that stops it. */
export interface Terminal {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  readonly signal?: AbortSignal;
}
