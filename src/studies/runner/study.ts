import { access } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { ArgumentError } from "../../core/errors.js";
import type { Backend, DeviceDescription } from "../../core/tensor.js";
import { figureFile, renderReport, type Provenance } from "../report/html.js";
import type { Presentation } from "../report/presentation.js";
import type { StudyEvent } from "./events.js";
import { lockFolder } from "./lock.js";
import { clearTemporary, toJson, writeAtomically } from "./results.js";
import type { Schema } from "./schema.js";
import { fileName } from "./task-file.js";
import { hasWords, taskRunner, TASKS, type RunTask, type TaskOptions, type Tasks } from "./tasks.js";
import { collectVersions, decisiveVersions, OWN_NAME } from "./versions.js";

/** What a study may use while it runs. */
export interface Session<Measurements> {
  readonly backend: Backend;
  readonly seed: number;
  report(event: StudyEvent): void;
  /** Writes what was measured so far. */
  save(measurements: Measurements): Promise<void>;
  /** What a study measures comes from tasks, so that it can be resumed, done in parts and joined again. */
  task: RunTask;
  /** Lets pending events in (Ctrl-C among them) and, once the study was told to stop, does what is left to do, such as to store, and throws `Interrupted`. */
  checkpoint(atStop?: () => Promise<void>): Promise<void>;
}

/** One experiment: configuration in, measurements out, and how to show them. */
export interface Study<Configuration, Measurements> {
  readonly name: string;
  /** What a configuration from a file must be. */
  readonly configuration?: Schema;
  /** Bytes of memory that it takes, at least. */
  bytes?(configuration: Configuration): number;
  run(configuration: Configuration, session: Session<Measurements>): Promise<void>;
  /** Pure: a report can be made again from a results file. */
  present(results: Results<Configuration, Measurements>): Presentation;
}

/** Everything that `results.json` holds. */
export interface Results<Configuration, Measurements> extends Provenance {
  readonly configuration: Configuration;
  /** Absent until the first result is in. */
  readonly measurements?: Measurements;
  /** Why the study stopped, if an error stopped it. */
  readonly error?: string;
}

export interface ConductOptions extends TaskOptions {
  readonly backend: Backend;
  /** Where the finished tasks were computed, if not on `backend`. */
  readonly device?: DeviceDescription;
  /** Of what they were computed with, if not in this process. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly seed: number;
  /** Folder that gets `results.json`, `report.html` and one SVG file for each figure. */
  readonly out: string;
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly report?: (event: StudyEvent) => void;
}

interface Conducted<Configuration, Measurements> {
  readonly results: Results<Configuration, Measurements>;
  readonly presentation: Presentation;
}

class Interrupted extends Error {}

/** Ends a study of whose tasks all is known that was asked. */
class Known extends Error {}

/** Names that an error lists. */
const NAMED = 16;

function partOf({ only, shard }: TaskOptions): string | undefined {
  const parts = [...(shard ? [`shard ${shard.index} of ${shard.count}`] : []), ...(only ? [`only ${only.join(", ")}`] : [])];
  return parts.length === 0 ? undefined : parts.join(", ");
}

const listed = (names: readonly string[]): string => names.slice(0, NAMED).join(", ") + (names.length > NAMED ? ", ..." : "");

/** An I/O turn: without it synchronous mathematics would starve timers and signals. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Complains of words that are in the name of no task, before any is done: asks for the names, until all words are found, and does nothing. */
async function checkOnly<Configuration>(study: Study<Configuration, unknown>, configuration: Configuration, only: readonly string[], session: Session<unknown>): Promise<void> {
  const names: string[] = [];
  let unknown = only;
  const task: RunTask = async ({ name }) => {
    await session.checkpoint();
    names.push(name);
    unknown = unknown.filter((words) => !hasWords(name, words));
    if (unknown.length === 0) throw new Known();
    return undefined;
  };
  await study.run(configuration, { ...session, report: () => undefined, save: () => Promise.resolve(), task }).catch((error: unknown) => {
    if (!(error instanceof Known)) throw error;
  });
  if (unknown.length === 0 || names.length === 0) return;
  const words = [...new Set(names.flatMap((name) => name.split(" ")))];
  throw new ArgumentError({ where: "study", argument: "--only", wanted: `words of the name of a run, such as "${names[0]}": ${listed(words)}`, got: listed(unknown) });
}

/** Complains where finished tasks were wanted and some are not. */
function checkFinished({ names, missing, damaged }: Tasks): void {
  if (missing.length > 0) {
    throw new ArgumentError({
      where: "merge",
      wanted: `a finished result of each of ${names.length} tasks, by this version`,
      got: `none of ${missing.length}: ${listed(missing)}${damaged.length === 0 ? "" : `, and damaged files: ${listed(damaged)}`}`,
      fix: "Run the shards that lack them with --resume, and merge again.",
    });
  }
}

/** Complains, before any is taken, of more memory than there is. */
function checkMemory<Configuration>({ name, ...study }: Study<Configuration, unknown>, configuration: Configuration): void {
  const [wanted, most] = [study.bytes?.(configuration), totalmem()];
  if (wanted === undefined || wanted <= most) return;
  const gibibytes = (count: number): string => `${(count / 2 ** 30).toPrecision(3)} GiB`;
  throw new ArgumentError({ where: `study ${name}`, wanted: `sizes for the memory of this machine, ${gibibytes(most)}`, got: `${gibibytes(wanted)} or more`, fix: "Give smaller sizes." });
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function publish<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  results: Results<Configuration, Measurements>,
  out: string,
): Promise<Presentation> {
  const presentation = study.present(results);
  for (const block of presentation.blocks) {
    if (block.kind === "figure") await writeAtomically(out, `${fileName(block.name)}.svg`, figureFile(block));
  }
  await writeAtomically(out, "report.html", renderReport(presentation, results));
  return presentation;
}

/** `conduct` in a folder that is this process's own. */
async function conductAlone<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  configuration: Configuration,
  options: ConductOptions,
): Promise<Conducted<Configuration, Measurements>> {
  const { backend, seed, out, command, signal } = options;
  const start = performance.now();
  const current = await collectVersions();
  const own: Record<string, string> = current[OWN_NAME] === undefined ? {} : { [OWN_NAME]: current[OWN_NAME] };
  const versions = { ...current, ...options.versions, ...own }; // this library decides even what joined tasks are
  const device = { ...(options.device ?? backend.device) };
  const part = partOf(options);
  const report = options.report ?? (() => undefined);
  for (const folder of [out, join(out, TASKS)]) await clearTemporary(folder);
  const common = { study: study.name, device, versions: decisiveVersions(versions, device.kind) };
  const tasks = taskRunner({ out, common, note: (text) => report({ kind: "note", text }) }, options);
  let results: Results<Configuration, Measurements> = {
    study: study.name,
    partial: true,
    ...(part === undefined ? {} : { part }),
    seed,
    command,
    device,
    versions,
    startedAt: new Date().toISOString(),
    seconds: 0,
    configuration,
  };
  let written = false;
  const write = async (change: Partial<Results<Configuration, Measurements>>): Promise<void> => {
    written = true;
    results = { ...results, ...change, seconds: tasks.earlierSeconds() + (performance.now() - start) / 1000 };
    await writeAtomically(out, "results.json", toJson(results));
  };
  try {
    const checkpoint: Session<Measurements>["checkpoint"] = async (atStop) => {
      await nextTurn();
      if (!signal?.aborted) return;
      await atStop?.();
      throw new Interrupted();
    };
    const session: Session<Measurements> = {
      backend,
      seed,
      report,
      task: async (task, work) => {
        await checkpoint();
        return tasks.run(task, work);
      },
      save: async (measurements) => {
        // a merge writes all or nothing, and with nothing chosen yet the results of an earlier run stay
        if (options.finishedIn || (part !== undefined && tasks.chosen.length === 0)) results = { ...results, measurements };
        else await write({ measurements });
      },
      checkpoint,
    };
    if (options.only !== undefined) await checkOnly(study, configuration, options.only, session);
    await study.run(configuration, session);
    checkFinished(tasks);
    await write({ partial: false });
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      // bad input found before the first result must not replace the results of an earlier run
      if (written) await write({ error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    if (!written && (await exists(join(out, "results.json")))) {
      report({ kind: "note", text: `Nothing was measured yet: results.json and report.html in ${out} are those of an earlier run.` });
      return { results, presentation: study.present(results) };
    }
    await write({});
  }
  return { results, presentation: await publish(study, results, out) };
}

/**
 * Runs a study and keeps its results on disk: every save replaces `results.json`, the report follows at the end.
 *
 * When `signal` aborts, what was measured is kept, marked partial, and reported all the same; with nothing measured, results of an earlier run stay.
 * @throws what the study throws, after the partial results are written; ArgumentError for sizes beyond the memory, or while another process writes into the folder.
 */
export async function conduct<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  configuration: Configuration,
  options: ConductOptions,
): Promise<Conducted<Configuration, Measurements>> {
  checkMemory(study, configuration);
  const unlock = await lockFolder(options.out);
  try {
    return await conductAlone(study, configuration, options);
  } finally {
    await unlock();
  }
}
