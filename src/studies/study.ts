import type { Backend, DeviceDescription } from "../core/tensor.js";
import type { StudyEvent } from "./events.js";
import { figureFile, renderReport } from "./report/html.js";
import type { Presentation } from "./report/presentation.js";
import { toJson, writeAtomically } from "./results.js";
import { collectVersions } from "./versions.js";

/** What a study may use while it runs. */
export interface Session<Measurements> {
  readonly backend: Backend;
  readonly seed: number;
  report(event: StudyEvent): void;
  /** Writes what was measured so far. */
  save(measurements: Measurements): Promise<void>;
  /** Lets pending events in (Ctrl-C among them) and throws `Interrupted` once the study was told to stop. */
  checkpoint(): Promise<void>;
}

/** One experiment: configuration in, measurements out, and how to show them. */
export interface Study<Configuration, Measurements> {
  readonly name: string;
  run(configuration: Configuration, session: Session<Measurements>): Promise<void>;
  /** Pure: a report can be made again from a results file. */
  present(results: Results<Configuration, Measurements>): Presentation;
}

/** Everything that `results.json` holds. */
export interface Results<Configuration, Measurements> {
  readonly study: string;
  /** True while the study runs, and for ever if it was stopped. */
  readonly partial: boolean;
  readonly seed: number;
  /** The command that repeats the study. */
  readonly command: string;
  readonly device: DeviceDescription;
  readonly versions: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly seconds: number;
  readonly configuration: Configuration;
  /** Absent until the first result is in. */
  readonly measurements?: Measurements;
  /** Why the study stopped, if an error stopped it. */
  readonly error?: string;
}

export interface ConductOptions {
  readonly backend: Backend;
  readonly seed: number;
  /** Folder that gets `results.json`, `report.html` and one SVG file for each figure. */
  readonly out: string;
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly report?: (event: StudyEvent) => void;
}

class Interrupted extends Error {}

/** An I/O turn: without it synchronous mathematics would starve timers and signals. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function publish<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  results: Results<Configuration, Measurements>,
  out: string,
): Promise<Presentation> {
  const presentation = study.present(results);
  for (const block of presentation.blocks) {
    if (block.kind === "figure") await writeAtomically(out, `${block.name}.svg`, figureFile(block));
  }
  await writeAtomically(out, "report.html", renderReport(presentation, results));
  return presentation;
}

/**
 * Runs a study and keeps its results on disk: every save replaces `results.json`, the report follows at the end.
 *
 * When `signal` aborts, what was measured is kept, marked partial, and reported all the same.
 * @throws what the study throws, after the partial results are written.
 */
export async function conduct<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  configuration: Configuration,
  options: ConductOptions,
): Promise<{ results: Results<Configuration, Measurements>; presentation: Presentation }> {
  const { backend, seed, out, command, signal } = options;
  const start = performance.now();
  let results: Results<Configuration, Measurements> = {
    study: study.name,
    partial: true,
    seed,
    command,
    device: { ...backend.device },
    versions: await collectVersions(),
    startedAt: new Date().toISOString(),
    seconds: 0,
    configuration,
  };
  const write = async (change: Partial<Results<Configuration, Measurements>>): Promise<void> => {
    results = { ...results, ...change, seconds: (performance.now() - start) / 1000 };
    await writeAtomically(out, "results.json", toJson(results));
  };
  try {
    await study.run(configuration, {
      backend,
      seed,
      report: options.report ?? (() => undefined),
      save: (measurements) => write({ measurements }),
      checkpoint: async () => {
        await nextTurn();
        if (signal?.aborted) throw new Interrupted();
      },
    });
    await write({ partial: false });
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      // bad input found before the first result must not replace the results of an earlier run
      if (results.measurements !== undefined) await write({ error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    await write({});
  }
  return { results, presentation: await publish(study, results, out) };
}
