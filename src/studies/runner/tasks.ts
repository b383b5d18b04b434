import { createHash } from "node:crypto";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ArgumentError } from "../../core/errors.js";
import { fileName, readTask, removeTask, writeTask, type TaskRecord } from "./task-file.js";

/** Part `index` of `count` of a study's tasks, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** A task's name, and what decides its result apart from what every task depends on. */
export interface NamedTask {
  readonly name: string;
  readonly depends: unknown;
}

/** The last stored state of a task, and how to store the next. */
export interface Kept<State> {
  /** The last stored state, bit for bit; undefined at the start. */
  readonly state: State | undefined;
  /** Whether it is time to store again. */
  isDue(): boolean;
  /** Stores a state: JSON, with snapshots of tensors anywhere in it. */
  store(state: State): Promise<void>;
}

export interface TaskOptions {
  /** Continue an earlier run; otherwise its tasks are put aside. */
  readonly resume?: boolean;
  /** Only tasks whose names contain the words of one of these. */
  readonly only?: readonly string[];
  readonly shard?: Shard;
  /** Compute nothing: take finished results from the keeper's own folder, else from one of these. */
  readonly finishedIn?: readonly string[];
  /** Seconds between two stores of a task. Default 30. */
  readonly interval?: number;
}

interface Place {
  readonly out: string;
  /** What every task depends on. */
  readonly common: unknown;
  readonly note: (text: string) => void;
}

/** Stores tasks on disk and records which of them are missing or damaged. */
export interface TaskKeeper {
  /**
   * Runs a task, or takes its result from an earlier run. The result must be JSON; it is undefined if only finished
   * results are taken and there is none.
   */
  keep<Result, State = undefined>(
    task: NamedTask,
    work: (kept: Kept<State>) => Promise<Result>,
  ): Promise<Result | undefined>;
  /** Tasks that lack a finished result. */
  readonly missing: readonly string[];
  /** Damaged files of these tasks. */
  readonly damaged: readonly string[];
  /** Time that earlier runs spent on the tasks that were taken or continued. */
  readonly earlierSeconds: () => number;
}

/** Folder of the tasks, below that of the study. */
export const TASKS = "tasks";
/** Folder into which a run that does not resume moves earlier tasks. */
const ASIDE = "tasks.before";
/**
 * Default seconds between stores. A store takes well under a second, and an interruption loses at most these seconds.
 */
const INTERVAL = 30;

/** A digest of what decides a result; the order of field names does not matter. */
function fingerprintOf(value: unknown): string {
  const canonical = (_: string, item: unknown): unknown => {
    if (ArrayBuffer.isView(item))
      return createHash("sha256")
        .update(new Uint8Array(item.buffer, item.byteOffset, item.byteLength))
        .digest("hex");
    if (typeof item === "number") return String(item); // JSON has no infinities
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return createHash("sha256").update(JSON.stringify(value, canonical)).digest("hex");
}

/** Moves the tasks of an earlier run aside. */
export async function putAside(out: string, note: (text: string) => void): Promise<void> {
  const [tasks, aside] = [join(out, TASKS), join(out, ASIDE)];
  const found = await stat(tasks).then(
    (about) => about.isDirectory(),
    () => false,
  );
  if (!found) return;
  await rm(aside, { recursive: true, force: true });
  await rename(tasks, aside);
  note(
    `Earlier runs are put aside in ${aside}; to continue them instead, move them back to ${tasks} and give --resume.`,
  );
}

/** Whether the name of a task contains `words` as consecutive whole words. */
const hasWords = (name: string, words: string): boolean => ` ${name} `.includes(` ${words.trim()} `);

/** Most names that an error lists. */
const NAMED = 16;
export const listed = (names: readonly string[]): string =>
  names.slice(0, NAMED).join(", ") + (names.length > NAMED ? ", ..." : "");

/**
 * The chosen tasks: those whose names contain words of `only`, dealt to the shards in turn.
 *
 * @throws ArgumentError for two tasks of the same name, and for words that are in no name.
 */
export function chooseTasks<Named extends { readonly name: string }>(
  tasks: readonly Named[],
  { only, shard }: Pick<TaskOptions, "only" | "shard">,
): Named[] {
  const files = new Set<string>();
  for (const { name } of tasks) {
    if (files.has(fileName(name)))
      throw new ArgumentError({ where: "study", argument: "task", wanted: "a name that no other task has", got: name });
    files.add(fileName(name));
  }
  const unknown = (only ?? []).filter((words) => !tasks.some(({ name }) => hasWords(name, words)));
  if (unknown.length > 0 && tasks.length > 0) {
    const words = [...new Set(tasks.flatMap(({ name }) => name.split(" ")))];
    throw new ArgumentError({
      where: "study",
      argument: "--only",
      wanted: `words of the name of a run, such as "${tasks[0].name}": ${listed(words)}`,
      got: listed(unknown),
    });
  }
  const allowed = tasks.filter(({ name }) => only === undefined || only.some((words) => hasWords(name, words)));
  return allowed.filter((_, turn) => shard === undefined || turn % shard.count === shard.index - 1);
}

/** The chosen tasks and all that they need, in the order of `tasks`. */
export function withNeeded<Needing extends { readonly name: string; readonly needs?: readonly string[] }>(
  tasks: readonly Needing[],
  chosen: readonly Needing[],
): Needing[] {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const wanted = new Set<string>();
  const want = ({ name, needs = [] }: Needing): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    needs.forEach((needed) => want(byName.get(needed)!));
  };
  chosen.forEach(want);
  return tasks.filter(({ name }) => wanted.has(name));
}

type Found = Awaited<ReturnType<typeof readTask>>;

/**
 * The first finished record of a task that `isWanted` accepts; other runs may have left records of other settings.
 * Calls `onDamage` for damaged files.
 */
async function firstFinished(
  outs: readonly string[],
  name: string,
  isWanted: (record: Found) => record is TaskRecord,
  onDamage: (path: string) => void,
): Promise<TaskRecord | undefined> {
  for (const out of outs) {
    const record = await readTask(join(out, TASKS), name);
    if (record === "damaged") onDamage(join(out, TASKS, `${fileName(name)}.json`));
    if (isWanted(record) && record.finished) return record;
  }
  return undefined;
}

/**
 * Stores the tasks of one study, each in a file below `out/tasks` that is replaced atomically at each store and at the
 * end.
 */
export function taskKeeper(
  { out, common, note }: Place,
  { finishedIn, interval = INTERVAL }: Pick<TaskOptions, "finishedIn" | "interval"> = {},
): TaskKeeper {
  const folder = join(out, TASKS);
  const missing: string[] = [];
  const damaged: string[] = [];
  let earlier = 0;

  const keep: TaskKeeper["keep"] = async <Result, State>(
    { name, depends }: NamedTask,
    work: (kept: Kept<State>) => Promise<Result>,
  ) => {
    const fingerprint = fingerprintOf({ name, depends, common });
    const found = await readTask(folder, name);
    const isOf = (record: Found): record is TaskRecord =>
      record !== undefined && record !== "damaged" && record.fingerprint === fingerprint;
    if (finishedIn !== undefined && !(isOf(found) && found.finished)) {
      const other = await firstFinished([out, ...finishedIn], name, isOf, (path) => {
        damaged.push(path);
        note(`${path} is damaged, so it is not taken`);
      });
      if (other === undefined) missing.push(name);
      else {
        await writeTask(folder, name, other, undefined);
        earlier += other.seconds;
      }
      return other?.content as Result | undefined;
    }
    const record = isOf(found) ? found : undefined;
    const before = record === undefined ? 0 : record.seconds;
    earlier += before;
    if (record?.finished) return record.content as Result;
    if (found !== undefined && record === undefined) {
      note(`${name}: what was kept ${found === "damaged" ? "is damaged" : "has other settings"}, so it starts anew`);
      await removeTask(folder, name);
    }
    const start = performance.now();
    let last = start;
    let previous = record;
    const write = async (finished: boolean, content: unknown): Promise<void> => {
      previous = await writeTask(
        folder,
        name,
        { fingerprint, finished, seconds: before + (performance.now() - start) / 1000, content },
        previous,
      );
      last = performance.now();
    };
    const result = await work({
      state: record?.content as State | undefined,
      isDue: () => performance.now() - last >= 1000 * interval,
      store: (state) => write(false, state),
    });
    await write(true, result);
    return result;
  };
  return { keep, missing, damaged, earlierSeconds: () => earlier };
}
