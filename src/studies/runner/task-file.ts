import { createHash } from "node:crypto";
import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../../core/errors.js";
import { encodeSafetensors, openSafetensors } from "../../weights/safetensors.js";
import { mapTree } from "../../core/tree.js";
import { fromExactJson, toExactJson } from "./exact-json.js";
import { writeAtomically } from "./results.js";
import { isSnapshot, type Snapshot } from "./snapshot.js";

/** A task's result, or its last stored state. */
export interface TaskRecord {
  /** Digest of everything that decides the result. */
  readonly fingerprint: string;
  readonly finished: boolean;
  /** Time spent on the task so far. */
  readonly seconds: number;
  /** JSON that may hold snapshots. */
  readonly content: unknown;
  /** File with the numbers of the snapshots, if there are any. */
  readonly weights?: string;
  /** SHA-256 of that file. */
  readonly weightsSum?: string;
}

/** File name of a task, without its extension. */
export const fileName = (task: string): string => task.replace(/[^\w.+-]+/g, "-");

/** Extensions of the two files that stores alternate between: the one that the record names is never overwritten. */
const TURNS = [".a.safetensors", ".b.safetensors"] as const;

/** Stands in the record for a snapshot in the weights file. */
interface Reference {
  readonly $tensor: string;
}

const isReference = (value: unknown): value is Reference =>
  typeof value === "object" && value !== null && "$tensor" in value;

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** A record's JSON; its last field is the SHA-256 of everything before it. */
function sealed(record: TaskRecord): string {
  const text = toExactJson(record).slice(0, -1);
  return `${text},"sum":"${sha256(text)}"}`;
}

/** The inverse of `sealed`; undefined if any byte has changed. */
function unsealed(text: string): unknown {
  const [end, sum] = /,"sum":"([0-9a-f]{64})"\}$/.exec(text) ?? [];
  if (end === undefined) return undefined;
  const body = text.slice(0, -end.length);
  return sha256(body) === sum ? fromExactJson(`${body}}`) : undefined;
}

function isRecord(value: unknown): value is TaskRecord {
  if (typeof value !== "object" || value === null) return false;
  const { fingerprint, finished, seconds } = value as Partial<TaskRecord>;
  return typeof fingerprint === "string" && typeof finished === "boolean" && typeof seconds === "number";
}

async function readTensors(path: string, sum: string | undefined): Promise<Map<string, Snapshot>> {
  const bytes = await readFile(path);
  if (sha256(bytes) !== sum) throw new Error(`${path} has changed since it was written`);
  const stored = await openSafetensors(bytes);
  const snapshots = new Map<string, Snapshot>();
  for (const [name, { shape }] of stored.tensors) snapshots.set(name, { shape, data: await stored.read(name) });
  return snapshots;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether a task has weights. Without a record they mean that it was lost, or that the first store was interrupted. */
async function hasWeights(folder: string, task: string): Promise<boolean> {
  const found = await Promise.all(TURNS.map((turn) => exists(join(folder, `${fileName(task)}${turn}`))));
  return found.includes(true);
}

/**
 * The record of a task: "damaged" if any byte of its files has changed, undefined if there is none.
 *
 * @throws DataError if the folder cannot be read.
 */
export async function readTask(folder: string, task: string): Promise<TaskRecord | "damaged" | undefined> {
  const path = join(folder, `${fileName(task)}.json`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return (await hasWeights(folder, task)) ? "damaged" : undefined;
    throw new DataError({
      where: "study",
      argument: path,
      wanted: "a file to read, or none",
      got: code ?? String(error),
      fix: "Choose another folder with --out.",
    });
  }
  try {
    const record = unsealed(text);
    if (!isRecord(record)) return "damaged";
    if (record.weights === undefined) return record;
    const tensors = await readTensors(join(folder, record.weights), record.weightsSum);
    const tensorOf = ({ $tensor }: Reference): Snapshot => {
      const tensor = tensors.get($tensor);
      if (tensor === undefined) throw new Error(`no tensor ${$tensor}`);
      return tensor;
    };
    return { ...record, content: mapTree(record.content, isReference, tensorOf) };
  } catch {
    return "damaged"; // nothing in it can be trusted
  }
}

/** Replaces the record `previous` of a task, so that a reader finds the old one or the new one; returns the new one. */
export async function writeTask(
  folder: string,
  task: string,
  record: Omit<TaskRecord, "weights">,
  previous: TaskRecord | undefined,
): Promise<TaskRecord> {
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
    const bytes = encodeSafetensors(tensors);
    await writeAtomically(folder, weights, bytes);
    written = { ...written, weights, weightsSum: sha256(bytes) };
  }
  await writeAtomically(folder, `${file}.json`, sealed(written));
  if (record.finished) await removeWeights(folder, task);
  return { ...record, ...(written.weights === undefined ? {} : { weights: written.weights }) };
}

async function removeWeights(folder: string, task: string): Promise<void> {
  await Promise.all(
    TURNS.map((turn) => rm(join(folder, `${fileName(task)}${turn}`), { force: true, recursive: true })),
  );
}

/** Removes the files of a task; the record goes first, so that none is left without its weights. */
export async function removeTask(folder: string, task: string): Promise<void> {
  await rm(join(folder, `${fileName(task)}.json`), { force: true, recursive: true });
  await removeWeights(folder, task);
}
