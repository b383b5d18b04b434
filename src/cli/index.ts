import { main } from "./main.js";
import { oneLine, withFallback } from "./output.js";

/** A terminal's Ctrl-C reaches a process twice when a parent forwards it as well; only a later one is impatience. */
const IMPATIENCE_MS = 1000;
/** Seconds in which a stopped study may finish its step, store and report. */
const PATIENCE = 120;
const STOPPED = 130;
const BAD_INPUT = 2;

const controller = new AbortController();
const say = (message: string): void => void process.stderr.write(oneLine(message));

/** Ends what does not stop by itself. A second in which a long step lets no timer run counts once, so that the step is stored after it. */
function endLater(): void {
  let left = PATIENCE;
  const timer = setInterval(() => {
    if (left-- > 0) return;
    say(`Not stopped after ${PATIENCE} s, so ended; --resume goes on from what was stored before.`);
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
/** What cannot be written is told on the other stream, and stops a study as a signal does. */
function stopOn({ code = "an error", message }: NodeJS.ErrnoException): void {
  failure = code;
  // a reader that closes the pipe early (`| head`) has seen enough; a study says where it stopped
  if (code !== "EPIPE") say(`The output cannot be written: ${message}.`);
  controller.abort();
}
process.stderr.on("error", () => undefined); // nowhere is left to say it
const stdout = process.stdout.isTTY ? process.stdout : withFallback(process.stdout, process.stderr, stopOn);
if (process.stdout.isTTY) process.stdout.on("error", stopOn);

const code = await main(process.argv.slice(2), { stdout, stderr: process.stderr, signal: controller.signal });
// what is written last fails after `main`
await new Promise((resolve) => setImmediate(resolve));
process.exitCode = code === 0 && failure !== undefined && failure !== "EPIPE" ? BAD_INPUT : code;
