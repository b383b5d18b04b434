import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { openWeights } from "../../weights/open.js";
import type { StoredTensors } from "../../weights/safetensors.js";
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
/** Names of models in folders, the preferred ones first. */
const NAMES = [
  ...["model.safetensors.index.json", "model.safetensors"],
  ...["pytorch_model.bin.index.json", "pytorch_model.bin", "model.onnx"],
] as const;
/** Most bytes of a configuration. */
const LONGEST_JSON = 1_000_000;

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

/** The file itself, or in a folder its index, its model, or its only file of weights. */
async function resolveModel(path: string): Promise<string> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isDirectory()) return path;
  const files = await readdir(path);
  const usual = NAMES.find((name) => files.includes(name));
  const weights = files.filter((name) => /\.(?:safetensors|pt|pth|bin|onnx|npz|npy)$/.test(name));
  if (usual !== undefined || weights.length === 1) return join(path, usual ?? weights[0]);
  throw new DataError({
    where: WHERE,
    argument: path,
    wanted: `${NAMES[0]}, ${NAMES[1]} or one other file of weights in this folder`,
    got: weights.length === 0 ? "none" : `${weights.length} files`,
    fix: "Name the file itself.",
  });
}

/**
 * Opens a file of weights, an index of shards (`.json`), or a folder with either; reads only headers.
 *
 * @throws DataError for missing or malformed files.
 */
export async function openModel(path: string): Promise<ModelFile> {
  const file = await resolveModel(path);
  const folder = dirname(file);
  const weights = await openWeights(await fileSource(file), { shard: (name) => fileSource(join(folder, name)) });
  const config = await readConfig(folder);
  return { path: file, weights, ...(config === undefined ? {} : { config }) };
}
