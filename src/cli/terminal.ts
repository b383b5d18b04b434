import type { Writable } from "node:stream";

/** Where the command line writes, and how it is told to stop. */
export interface Terminal {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  readonly signal?: AbortSignal;
}
