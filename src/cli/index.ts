import { main } from "./main.js";
import { oneLine, withFallback } from "./output.js";

/** Only a second signal after these milliseconds ends the process: one Ctrl-C arrives twice if a parent forwards it. */
const IMPATIENCE_MS = 1000;
/** Seconds for a stopped study to finish its step, store and report. */
const PATIENCE = 120;
const STOPPED = 130;
const BAD_INPUT = 2;

const controller = new AbortController();
const say = (message: string): void => void process.stderr.write(oneLine(message));

/**
 * Ends a study that does not stop by itself. A long step, during which no timer runs, counts as one second, so that it
 * can still be stored.
 */
function endLater(): void {
  let left = PATIENCE;
  const timer = setInterval(() => {
    if (left-- > 0) return;
    say(`Not stopped after ${PATIENCE} s, so ended; --resume continues from the last store.`);
    process.exit(STOPPED);
  }, 1000);
  timer.unref();
}

let firstSignal = Number.NEGATIVE_INFINITY;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const now = performance.now();
    if (firstSignal === Number.NEGATIVE_INFINITY) {
      firstSignal = now;
      endLater();
    } else if (now - firstSignal > IMPATIENCE_MS) process.exit(STOPPED);
    controller.abort();
  });
}

let failure: string | undefined;
/** Reports on stderr that output cannot be written, and stops a study like a signal. */
function stopOn({ code = "an error", message }: NodeJS.ErrnoException): void {
  failure = code;
  // a reader that closes the pipe early (`| head`) needs no error
  if (code !== "EPIPE") say(`The output cannot be written: ${message}.`);
  controller.abort();
}
process.stderr.on("error", () => undefined); // nowhere left to report it
const stdout = process.stdout.isTTY ? process.stdout : withFallback(process.stdout, process.stderr, stopOn);
if (process.stdout.isTTY) process.stdout.on("error", stopOn);

const code = await main(process.argv.slice(2), { stdout, stderr: process.stderr, signal: controller.signal });
// the last write may fail after `main`
await new Promise((resolve) => setImmediate(resolve));
process.exitCode = code === 0 && failure !== undefined && failure !== "EPIPE" ? BAD_INPUT : code;
