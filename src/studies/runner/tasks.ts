import { createHash } from "node:crypto";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ArgumentError } from "../../core/errors.js";
import { fileName, readTask, removeTask, writeTask, type TaskRecord } from "./task-file.js";

/** Part i of n of a study's tasks, i from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** A task by its name, and all that decides its result beside what every task depends on. */
export interface NamedTask {
  readonly name: string;
  readonly depends: unknown;
}

/** Where a task left off, and how it keeps that. */
export interface Kept<State> {
  /** What was stored last, bit for bit; undefined at the start. */
  readonly state: State | undefined;
  /** Whether the last store is so long ago that another is worth its time. */
  isDue(): boolean;
  /** Keeps a state: JSON, and snapshots of tensors anywhere in it. */
  store(state: State): Promise<void>;
}

export interface TaskOptions {
  /** Go on from what an earlier run left; otherwise that is put aside. */
  readonly resume?: boolean;
  /** Only tasks whose names have the words of one of these in them. */
  readonly only?: readonly string[];
  readonly shard?: Shard;
  /** Take finished results, from the folder of the keeper or else one of these, and do nothing. */
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

/** Keeps tasks, and what became of those that were asked for. */
export interface TaskKeeper {
  /** Does a task, or takes its result, which must be JSON, from an earlier run; undefined where a finished one was wanted and there is none. */
  keep<Result, State = undefined>(task: NamedTask, work: (kept: Kept<State>) => Promise<Result>): Promise<Result | undefined>;
  /** Tasks that lack a finished result. */
  readonly missing: readonly string[];
  /** Files of theirs that cannot be trusted. */
  readonly damaged: readonly string[];
  /** What earlier runs had spent on the tasks that were taken or gone on with. */
  readonly earlierSeconds: () => number;
}

/** The folder below a study's own that holds its tasks. */
export const TASKS = "tasks";
/** Where a run that does not resume puts the tasks of the one before. */
const ASIDE = "tasks.before";
/** A store takes well under a second, and this much is lost at most. */
const INTERVAL = 30;

/** A digest of what decides a result: equal for equal trees, whatever the order of their names. */
function fingerprintOf(value: unknown): string {
  const canonical = (_: string, item: unknown): unknown => {
    if (ArrayBuffer.isView(item)) return createHash("sha256").update(new Uint8Array(item.buffer, item.byteOffset, item.byteLength)).digest("hex");
    if (typeof item === "number") return String(item); // JSON has no infinities
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return createHash("sha256").update(JSON.stringify(value, canonical)).digest("hex");
}

/** Makes room for a run that does not resume. */
export async function putAside(out: string, note: (text: string) => void): Promise<void> {
  const [tasks, aside] = [join(out, TASKS), join(out, ASIDE)];
  const found = await stat(tasks).then((about) => about.isDirectory(), () => false);
  if (!found) return;
  await rm(aside, { recursive: true, force: true });
  await rename(tasks, aside);
  note(`Earlier runs are put aside in ${aside}; to go on from them instead, move them back to ${tasks} and give --resume.`);
}

/** Whether `words`, whole and one after the other, are in the name of a task. */
const hasWords = (name: string, words: string): boolean => ` ${name} `.includes(` ${words.trim()} `);

/** Names that an error lists. */
const NAMED = 16;
export const listed = (names: readonly string[]): string => names.slice(0, NAMED).join(", ") + (names.length > NAMED ? ", ..." : "");

/**
 * The tasks that were chosen: those with words of `only` in their names, dealt to shards in order.
 *
 * @throws ArgumentError for two tasks of one name, and for words that are in no name.
 */
export function chooseTasks<Named extends { readonly name: string }>(tasks: readonly Named[], { only, shard }: Pick<TaskOptions, "only" | "shard">): Named[] {
  const files = new Set<string>();
  for (const { name } of tasks) {
    if (files.has(fileName(name))) throw new ArgumentError({ where: "study", argument: "task", wanted: "a name that no other task has", got: name });
    files.add(fileName(name));
  }
  const unknown = (only ?? []).filter((words) => !tasks.some(({ name }) => hasWords(name, words)));
  if (unknown.length > 0 && tasks.length > 0) {
    const words = [...new Set(tasks.flatMap(({ name }) => name.split(" ")))];
    throw new ArgumentError({ where: "study", argument: "--only", wanted: `words of the name of a run, such as "${tasks[0].name}": ${listed(words)}`, got: listed(unknown) });
  }
  const allowed = tasks.filter(({ name }) => only === undefined || only.some((words) => hasWords(name, words)));
  return allowed.filter((_, turn) => shard === undefined || turn % shard.count === shard.index - 1);
}

type Found = Awaited<ReturnType<typeof readTask>>;

/** The first finished record of a task that is the wanted one: other runs may have left one of other settings in its place. `onDamage` hears of files that cannot be trusted. */
async function firstFinished(outs: readonly string[], name: string, isWanted: (record: Found) => record is TaskRecord, onDamage: (path: string) => void): Promise<TaskRecord | undefined> {
  for (const out of outs) {
    const record = await readTask(join(out, TASKS), name);
    if (record === "damaged") onDamage(join(out, TASKS, `${fileName(name)}.json`));
    if (isWanted(record) && record.finished) return record;
  }
  return undefined;
}

/** The tasks of one study on disk: each has a file below `out/tasks`, replaced atomically at each store and at its end. */
export function taskKeeper({ out, common, note }: Place, { finishedIn, interval = INTERVAL }: Pick<TaskOptions, "finishedIn" | "interval"> = {}): TaskKeeper {
  const folder = join(out, TASKS);
  const missing: string[] = [];
  const damaged: string[] = [];
  let earlier = 0;

  const keep: TaskKeeper["keep"] = async <Result, State>({ name, depends }: NamedTask, work: (kept: Kept<State>) => Promise<Result>) => {
    const fingerprint = fingerprintOf({ name, depends, common });
    const found = await readTask(folder, name);
    const isOf = (record: Found): record is TaskRecord => record !== undefined && record !== "damaged" && record.fingerprint === fingerprint;
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
      previous = await writeTask(folder, name, { fingerprint, finished, seconds: before + (performance.now() - start) / 1000, content }, previous);
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
