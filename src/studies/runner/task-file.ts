import { createHash } from "node:crypto";
import { access, readFile, rm } from "node:fs/promises";
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
  /** SHA-256 of that file. */
  readonly weightsSum?: string;
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

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** A record's JSON with the SHA-256 of all before it as its last field. */
function sealed(record: TaskRecord): string {
  const text = toExactJson(record).slice(0, -1);
  return `${text},"sum":"${sha256(text)}"}`;
}

/** The inverse of `sealed`; undefined where any byte is not as it was written. */
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
  if (sha256(bytes) !== sum) throw new Error(`${path} is not as it was written`);
  const stored = await openSafetensors(bytes);
  const snapshots = new Map<string, Snapshot>();
  for (const [name, { shape }] of stored.tensors) snapshots.set(name, { shape, data: await stored.read(name) });
  return snapshots;
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Weights without their record: the record was lost, or the first store was cut off. */
async function hasWeights(folder: string, task: string): Promise<boolean> {
  const found = await Promise.all(TURNS.map((turn) => exists(join(folder, `${fileName(task)}${turn}`))));
  return found.includes(true);
}

/**
 * The record of a task, "damaged" where a byte of its files is not as it was written, and undefined where there is none.
 *
 * @throws DataError where the folder cannot be read.
 */
export async function readTask(folder: string, task: string): Promise<TaskRecord | "damaged" | undefined> {
  const path = join(folder, `${fileName(task)}.json`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return (await hasWeights(folder, task)) ? "damaged" : undefined;
    throw new DataError({ where: "session.task", argument: path, wanted: "a file to read, or none", got: code ?? String(error), fix: "Choose another folder with --out." });
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
    const bytes = encodeSafetensors(tensors);
    await writeAtomically(folder, weights, bytes);
    written = { ...written, weights, weightsSum: sha256(bytes) };
  }
  await writeAtomically(folder, `${file}.json`, sealed(written));
  if (record.finished) await removeWeights(folder, task);
  return { ...record, ...(written.weights === undefined ? {} : { weights: written.weights }) };
}

async function removeWeights(folder: string, task: string): Promise<void> {
  await Promise.all(TURNS.map((turn) => rm(join(folder, `${fileName(task)}${turn}`), { force: true, recursive: true })));
}

/** Removes the record first, so that no record is left with numbers that are not its own. */
export async function removeTask(folder: string, task: string): Promise<void> {
  await rm(join(folder, `${fileName(task)}.json`), { force: true, recursive: true });
  await removeWeights(folder, task);
}
