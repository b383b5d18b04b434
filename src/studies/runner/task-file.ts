import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../../core/errors.js";
import { encodeSafetensors, openSafetensors } from "../../core/safetensors.js";
import { mapTree } from "../../core/tree.js";
import { fromExactJson, toExactJson } from "./exact-json.js";
import { writeAtomically } from "./results.js";
import { isSnapshot, type Snapshot } from "./snapshot.js";

/** What is known of a task: its result, or the state that it stored last. */
export interface TaskRecord {
  /** Of all that decides the result. */
  readonly fingerprint: string;
  readonly finished: boolean;
  /** Spent on it so far. */
  readonly seconds: number;
  /** JSON with snapshots in it. */
  readonly content: unknown;
  /** The file with the numbers of the snapshots, where there are any. */
  readonly weights?: string;
}

/** The file of a task, without its ending. */
export const fileName = (task: string): string => task.replace(/[^\w.+-]+/g, "-");

/** Two files take turns: the one that the record names is never written. */
const TURNS = [".a.safetensors", ".b.safetensors"] as const;

/** Stands in the record for a snapshot of the other file. */
interface Reference {
  readonly $tensor: string;
}

const isReference = (value: unknown): value is Reference => typeof value === "object" && value !== null && "$tensor" in value;

function isRecord(value: unknown): value is TaskRecord {
  if (typeof value !== "object" || value === null) return false;
  const { fingerprint, finished, seconds } = value as Partial<TaskRecord>;
  return typeof fingerprint === "string" && typeof finished === "boolean" && typeof seconds === "number";
}

async function readTensors(path: string): Promise<Map<string, Snapshot>> {
  const stored = await openSafetensors(await readFile(path));
  const snapshots = new Map<string, Snapshot>();
  for (const [name, { shape }] of stored.tensors) snapshots.set(name, { shape, data: await stored.read(name) });
  return snapshots;
}

/**
 * The record of a task, "unreadable" where its files are damaged, and undefined where there is none.
 *
 * @throws DataError where the folder cannot be read.
 */
export async function readTask(folder: string, task: string): Promise<TaskRecord | "unreadable" | undefined> {
  const path = join(folder, `${fileName(task)}.json`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new DataError({ where: "session.task", argument: path, wanted: "a file to read, or none", got: code ?? String(error), fix: "Choose another folder with --out." });
  }
  try {
    const record = fromExactJson(text);
    if (!isRecord(record)) return "unreadable";
    if (record.weights === undefined) return record;
    const tensors = await readTensors(join(folder, record.weights));
    const tensorOf = ({ $tensor }: Reference): Snapshot => {
      const tensor = tensors.get($tensor);
      if (tensor === undefined) throw new Error(`no tensor ${$tensor}`);
      return tensor;
    };
    return { ...record, content: mapTree(record.content, isReference, tensorOf) };
  } catch {
    return "unreadable"; // cut off or changed by someone else: nothing in it can be trusted
  }
}

/** Replaces the record of a task, from `previous`, so that a reader finds the old one or the new one; gives what stands there now. */
export async function writeTask(folder: string, task: string, record: Omit<TaskRecord, "weights">, previous: TaskRecord | undefined): Promise<TaskRecord> {
  const file = fileName(task);
  const tensors: Record<string, Snapshot> = {};
  const content = mapTree(record.content, isSnapshot, (tensor, path): Reference => {
    const name = path.join(".");
    tensors[name] = tensor;
    return { $tensor: name };
  });
  let written: TaskRecord = { ...record, content };
  if (Object.keys(tensors).length > 0) {
    const weights = `${file}${previous?.weights?.endsWith(TURNS[0]) ? TURNS[1] : TURNS[0]}`;
    await writeAtomically(folder, weights, encodeSafetensors(tensors));
    written = { ...written, weights };
  }
  await writeAtomically(folder, `${file}.json`, toExactJson(written));
  if (record.finished) await removeWeights(folder, task);
  return { ...record, ...(written.weights === undefined ? {} : { weights: written.weights }) };
}

async function removeWeights(folder: string, task: string): Promise<void> {
  await Promise.all(TURNS.map((turn) => rm(join(folder, `${fileName(task)}${turn}`), { force: true })));
}

/** Removes the record first, so that no record is left with numbers that are not its own. */
export async function removeTask(folder: string, task: string): Promise<void> {
  await rm(join(folder, `${fileName(task)}.json`), { force: true });
  await removeWeights(folder, task);
}
