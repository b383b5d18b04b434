import { access } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { ArgumentError } from "../../core/errors.js";
import type { Backend, DeviceDescription } from "../../core/tensor.js";
import { figureFile, renderReport, type Provenance } from "../report/html.js";
import type { TitledReport } from "../report/report.js";
import type { StudyEvent } from "./events.js";
import { lockFolder } from "./lock.js";
import type { Declared, Values } from "./options.js";
import { clearTemporary, toJson, writeAtomically } from "./results.js";
import type { Study, Work } from "./study.js";
import { fileName } from "./task-file.js";
import {
  chooseTasks,
  listed,
  putAside,
  taskKeeper,
  TASKS,
  withNeeded,
  type TaskKeeper,
  type TaskOptions,
} from "./tasks.js";
import { collectVersions, decisiveVersions, OWN_NAME } from "./versions.js";

/** The content of `results.json`. */
export interface Results<Measurements = unknown> extends Provenance {
  /** Absent before the first result. */
  readonly measurements?: Measurements;
  /** Why the study stopped, if an error stopped it. */
  readonly error?: string;
}

export interface ConductOptions extends TaskOptions {
  readonly backend: Backend;
  /** Where the finished tasks were computed, if not on `backend`. */
  readonly device?: DeviceDescription;
  /** Versions that the finished tasks were computed with, if not in this process. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly seed: number;
  /** Output folder of `results.json`, `report.html` and one SVG file for each figure. */
  readonly out: string;
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly report?: (event: StudyEvent) => void;
}

export interface Conducted<Measurements = unknown> {
  readonly results: Results<Measurements>;
  readonly report: TitledReport;
}

class Interrupted extends Error {}

/** Least milliseconds between writes of `results.json`: some studies finish a hundred tasks a second. */
const WRITE_EVERY = 1000;

function partOf({ only, shard }: TaskOptions): string | undefined {
  const parts = [
    ...(shard ? [`shard ${shard.index} of ${shard.count}`] : []),
    ...(only ? [`only ${only.join(", ")}`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** Yields to the event loop, so that synchronous mathematics does not starve timers and signals. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Throws if a merge lacks finished results. */
function checkFinished(tasks: readonly unknown[], { missing, damaged }: TaskKeeper): void {
  if (missing.length === 0) return;
  throw new ArgumentError({
    where: "merge",
    wanted: `finished results of all ${tasks.length} tasks, by this version`,
    got:
      `${missing.length} missing: ${listed(missing)}` +
      (damaged.length === 0 ? "" : `, and damaged files: ${listed(damaged)}`),
    fix: "Run their shards with --resume, and merge again.",
  });
}

/** Throws if a study needs more memory than the machine has. */
function checkMemory(name: string, wanted: number | undefined): void {
  const most = totalmem();
  if (wanted === undefined || wanted <= most) return;
  const gibibytes = (count: number): string => `${(count / 2 ** 30).toPrecision(3)} GiB`;
  throw new ArgumentError({
    where: `study ${name}`,
    wanted: `sizes that fit the memory of this machine, ${gibibytes(most)}`,
    got: `${gibibytes(wanted)} or more`,
    fix: "Give smaller sizes.",
  });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The report of stored results. */
export function reportOf(
  { title, ...study }: Study,
  { measurements, configuration, seed, partial }: Results,
): TitledReport {
  const options = configuration as Values<Declared>;
  const none = {
    answer: partial ? "The study was stopped before its first result." : "Nothing was trained: no runs were asked for.",
    blocks: [],
  };
  const { answer, blocks } = measurements === undefined ? none : study.report(measurements, options, seed);
  return { title, answer, blocks: [...blocks, ...(study.appendix?.(options, seed) ?? [])] };
}

/** Writes the report of results and its figures. */
export async function publish(study: Study, results: Results, out: string): Promise<TitledReport> {
  const report = reportOf(study, results);
  for (const block of report.blocks) {
    if (block.kind === "figure") await writeAtomically(out, `${fileName(block.name)}.svg`, figureFile(block));
  }
  await writeAtomically(out, "report.html", renderReport(report, results));
  return report;
}

/** `conduct` in a folder that this process has locked. */
async function conductAlone(
  study: Study,
  configuration: Values<Declared>,
  options: ConductOptions,
): Promise<Conducted> {
  const { backend, seed, out, command, signal, finishedIn } = options;
  const start = performance.now();
  const current = await collectVersions();
  const own: Record<string, string> = current[OWN_NAME] === undefined ? {} : { [OWN_NAME]: current[OWN_NAME] };
  // a merge, too, accepts only tasks of this library's version
  const versions = { ...current, ...options.versions, ...own };
  const device = { ...(options.device ?? backend.device) };
  const part = partOf(options);
  const report = options.report ?? (() => undefined);
  const note = (text: string): void => report({ kind: "note", text });
  for (const folder of [out, join(out, TASKS)]) await clearTemporary(folder);
  const keeper = taskKeeper(
    { out, common: { study: study.name, device, versions: decisiveVersions(versions, device.kind) }, note },
    options,
  );
  /** Results by the names of their tasks. */
  const done = new Map<string, unknown>();
  let results: Results = {
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
  let written = Number.NEGATIVE_INFINITY;
  const write = async (change: Partial<Results> = {}): Promise<void> => {
    const measurements = done.size === 0 ? undefined : study.gather([...done.values()], configuration, seed);
    results = {
      ...results,
      ...(measurements === undefined ? {} : { measurements }),
      ...change,
      seconds: keeper.earlierSeconds() + (performance.now() - start) / 1000,
    };
    await writeAtomically(out, "results.json", toJson(results));
    written = performance.now();
  };
  const checkpoint: Work["checkpoint"] = async (atStop) => {
    await nextTurn();
    if (!signal?.aborted) return;
    await atStop?.();
    throw new Interrupted();
  };

  try {
    const tasks = await study.tasks(configuration, seed);
    const chosen = withNeeded(tasks, chooseTasks(tasks, options));
    let stage: string | undefined;
    let data: unknown;
    for (const [index, task] of chosen.entries()) {
      await checkpoint();
      if (task.stage !== undefined && task.stage !== stage) report({ kind: "stage", title: (stage = task.stage) });
      if (index === 0) {
        data = await study.data?.(configuration, seed, report);
        if (!options.resume && finishedIn === undefined) await putAside(out, note);
      }
      const measured = async (result: unknown): Promise<void> => {
        done.set(task.name, result);
        // a merge writes all or nothing
        if (finishedIn === undefined && performance.now() - written >= WRITE_EVERY) await write();
      };
      const { needs = [] } = task;
      if (!needs.every((name) => done.has(name))) continue; // a merge that lacks what this task needs fails below
      const needed = needs.map((name) => done.get(name));
      const result = await keeper.keep({ name: task.name, depends: await task.depends(data, needed) }, (kept) =>
        task.run(data, { ...kept, backend, measured, report, checkpoint }, needed),
      );
      if (result !== undefined) await measured(result);
    }
    checkFinished(tasks, keeper);
    await write({ partial: false });
  } catch (error) {
    // bad input found before the first result must not replace the results of an earlier run
    const isMeasured = done.size > 0 && finishedIn === undefined;
    if (!(error instanceof Interrupted)) {
      if (isMeasured) await write({ error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    if (!isMeasured && (await exists(join(out, "results.json")))) {
      note(`Nothing was measured yet: results.json and report.html in ${out} are from an earlier run.`);
      return { results, report: reportOf(study, results) };
    }
    await write();
  }
  return { results, report: await publish(study, results, out) };
}

/**
 * Runs a study and writes its results: `results.json` while it runs, the report at the end.
 *
 * When `signal` aborts, the results so far are marked partial and reported. If there are none, the results of an
 * earlier run stay.
 * @throws the study's error, after partial results are written. ArgumentError for options that do not fit together, for
 * sizes beyond the memory, or while another process writes into the folder.
 */
export async function conduct<Options extends Declared, Data, Result, Measurements>(
  study: Study<Options, Data, Result, Measurements>,
  configuration: Values<Options>,
  options: ConductOptions,
): Promise<Conducted<Measurements>> {
  study.check?.(configuration);
  checkMemory(study.name, study.bytes?.(configuration));
  const unlock = await lockFolder(options.out);
  try {
    return (await conductAlone(study as unknown as Study, configuration, options)) as Conducted<Measurements>;
  } finally {
    await unlock();
  }
}
