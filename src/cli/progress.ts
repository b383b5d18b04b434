import { Presets, SingleBar } from "cli-progress";
import type { StudyEvent } from "../studies/runner/events.js";
import type { Terminal } from "./terminal.js";

/** Shows the events of a study; `stop` ends a bar on the screen. */
export interface ProgressView {
  report(event: StudyEvent): void;
  stop(): void;
}

type Progress = Extract<StudyEvent, { kind: "progress" }>;

/** Least milliseconds between plain progress lines. */
const PLAIN_INTERVAL_MS = 5000;
const LABEL_WIDTH = 22;

function bars(stdout: Terminal["stdout"]): ProgressView {
  let bar: SingleBar | undefined;
  let label = "";
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
    label = "";
  };
  const advance = (event: Progress): void => {
    if (event.label !== label) {
      stop();
      label = event.label;
      bar = new SingleBar(
        {
          format: `  {label} [{bar}] {value}/{total}  {note}`,
          stream: stdout,
          hideCursor: true,
          gracefulExit: false, // the caller handles signals
        },
        Presets.shades_classic,
      );
      bar.start(event.total, 0, { label: label.padEnd(LABEL_WIDTH), note: "" });
    }
    bar?.update(event.done, { note: event.note ?? "" });
    if (event.done === event.total) stop();
  };
  return {
    stop,
    report(event) {
      if (event.kind === "progress") return advance(event);
      stop();
      stdout.write(event.kind === "stage" ? `\n${event.title}\n` : `  ${event.text}\n`);
    },
  };
}

function plainLines(stdout: Terminal["stdout"]): ProgressView {
  let last = Number.NEGATIVE_INFINITY;
  return {
    stop: () => undefined,
    report(event) {
      if (event.kind === "stage") stdout.write(`${event.title}\n`);
      else if (event.kind === "note") stdout.write(`  ${event.text}\n`);
      else if (event.done === event.total || performance.now() - last > PLAIN_INTERVAL_MS) {
        last = performance.now();
        stdout.write(
          `  ${event.label}: ${event.done}/${event.total}${event.note === undefined ? "" : `, ${event.note}`}\n`,
        );
      }
    },
  };
}

/** Live bars on a terminal, plain lines every few seconds elsewhere. */
export function progressView({ stdout }: Terminal): ProgressView {
  return stdout.isTTY ? bars(stdout) : plainLines(stdout);
}
