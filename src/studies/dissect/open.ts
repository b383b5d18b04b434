import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../../core/errors.js";
import { openShardedSafetensors } from "../../core/safetensors-index.js";
import { openSafetensors, type StoredTensors } from "../../core/safetensors.js";
import { fileSource } from "./file.js";

/** The tensors of a model on disk. */
export interface ModelFile {
  /** The file or index that was opened. */
  readonly path: string;
  readonly weights: StoredTensors;
  /** What `config.json` beside it holds, if it is there. */
  readonly config?: unknown;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** An index of a million tensors is smaller. */
const LONGEST_JSON = 100_000_000;

const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

async function readText(path: string): Promise<string> {
  const { size } = await fileSource(path);
  if (size > LONGEST_JSON) throw new DataError({ where: "openModel", argument: path, wanted: `at most ${LONGEST_JSON} bytes of JSON`, got: String(size) });
  return readFile(path, "utf8");
}

async function readConfig(folder: string): Promise<unknown> {
  const path = join(folder, "config.json");
  if (!(await isThere(path))) return undefined;
  try {
    return JSON.parse(await readText(path)) as unknown;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError({ where: "openModel", argument: path, wanted: "JSON", got: (cause as Error).message });
  }
}

/** The file that a path means: itself, or in a folder the index or the model. */
async function resolveModel(path: string): Promise<string> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isDirectory()) return path;
  for (const name of [INDEX, SINGLE]) {
    if (await isThere(join(path, name))) return join(path, name);
  }
  throw new DataError({ where: "openModel", argument: path, wanted: `${SINGLE} or ${INDEX} in this folder`, got: "neither", fix: "Name the .safetensors file itself." });
}

/**
 * Opens a `.safetensors` file, an index of shards (`.json`), or a folder with either; reads headers alone.
 *
 * @throws DataError for files that are missing or malformed.
 */
export async function openModel(path: string): Promise<ModelFile> {
  const file = await resolveModel(path);
  const folder = dirname(file);
  const weights = file.endsWith(".json")
    ? await openShardedSafetensors(await readText(file), (shard) => fileSource(join(folder, shard)), basename(file))
    : await openSafetensors(await fileSource(file));
  const config = await readConfig(folder);
  return { path: file, weights, ...(config === undefined ? {} : { config }) };
}
