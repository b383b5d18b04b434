import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { openShardedSafetensors } from "../../weights/safetensors-index.js";
import { openSafetensors, type StoredTensors } from "../../weights/safetensors.js";
import { readTextFile } from "../files.js";
import { fileSource } from "./file.js";

/** The tensors of a model on disk. */
export interface ModelFile {
  /** The file or index that was opened. */
  readonly path: string;
  readonly weights: StoredTensors;
  /** The content of `config.json` beside the file, if there is one. */
  readonly config?: unknown;
}

const WHERE = "openModel";
const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** Most bytes of an index or configuration; an index of a million tensors is smaller. */
const LONGEST_JSON = 100_000_000;

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function readConfig(folder: string): Promise<unknown> {
  const path = join(folder, "config.json");
  if (!(await isThere(path))) return undefined;
  return readTextFile(
    WHERE,
    path,
    (text) => {
      try {
        return parseJson(text);
      } catch (cause) {
        throw new DataError({
          where: WHERE,
          argument: path,
          wanted: "JSON with names that differ",
          got: (cause as Error).message,
        });
      }
    },
    LONGEST_JSON,
  );
}

/** The file itself, or in a folder its index or model. */
async function resolveModel(path: string): Promise<string> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isDirectory()) return path;
  for (const name of [INDEX, SINGLE]) {
    if (await isThere(join(path, name))) return join(path, name);
  }
  throw new DataError({
    where: WHERE,
    argument: path,
    wanted: `${SINGLE} or ${INDEX} in this folder`,
    got: "neither",
    fix: "Name the .safetensors file itself.",
  });
}

/**
 * Opens a `.safetensors` file, an index of shards (`.json`), or a folder with either; reads only headers.
 *
 * @throws DataError for missing or malformed files.
 */
export async function openModel(path: string): Promise<ModelFile> {
  const file = await resolveModel(path);
  const folder = dirname(file);
  const weights = file.endsWith(".json")
    ? await openShardedSafetensors(
        await readTextFile(WHERE, file, (text) => text, LONGEST_JSON),
        (shard) => fileSource(join(folder, shard)),
        basename(file),
      )
    : await openSafetensors(await fileSource(file));
  const config = await readConfig(folder);
  return { path: file, weights, ...(config === undefined ? {} : { config }) };
}
