import { main } from "./main.js";

/** A terminal's Ctrl-C reaches a process twice when a parent forwards it as well; only a later one is impatience. */
const IMPATIENCE_MS = 1000;

const controller = new AbortController();
let firstSignal = Number.NEGATIVE_INFINITY;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const now = performance.now();
    if (!controller.signal.aborted) firstSignal = now;
    else if (now - firstSignal > IMPATIENCE_MS) process.exit(130);
    controller.abort();
  });
}
// a reader that closes the pipe early (`| head`) has seen enough
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
});
