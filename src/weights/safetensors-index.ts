import { DataError } from "../core/errors.js";
import { kindOfFile, TELLING_BYTES, wayToWeights } from "./file-kind.js";
import { callable, text } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { parseJson, showJson } from "../core/json.js";
import { refusing, type StoredTensor } from "./safetensors-header.js";
import type { BinaryData } from "./bytes.js";
import { noSuchTensor, openSafetensors, type StoredTensors } from "./safetensors.js";

const WHERE = "openShardedSafetensors";
/** A file name without folders, so that an index cannot refer to files elsewhere. */
const PLAIN_NAME = /^[\w][\w .-]*$/;

/** Reads the file name of every tensor from the text of an index. */
function parseIndex(text: string, file: string): Map<string, string> {
  const refuse = refusing(WHERE, file);
  let index: unknown;
  try {
    index = parseJson(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const kind = kindOfFile(new TextEncoder().encode(text.slice(0, TELLING_BYTES)));
    if (kind !== undefined) throw refuse("an index of shards in JSON", kind.name, wayToWeights(kind));
    throw refuse("an index in JSON with names that differ", (cause as Error).message);
  }
  const map: unknown =
    typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw refuse("an object weight_map", showJson(map));
  return new Map(
    Object.entries(map).map(([name, shard]: [string, unknown]) => {
      if (typeof shard === "string" && PLAIN_NAME.test(shard)) return [name, shard];
      throw refuse(`the name of a file beside the index for tensor ${showJson(name)}`, showJson(shard));
    }),
  );
}

/** The tensors of the shards that an index names; `openOne` reads a shard. */
export async function openShards(
  index: string,
  name: string,
  openOne: (file: string) => Promise<StoredTensors>,
): Promise<StoredTensors> {
  const files = parseIndex(index, name);
  const shards = new Map<string, StoredTensors>();
  for (const file of new Set(files.values())) shards.set(file, await openOne(file));
  const places = new Map<string, { readonly tensor: StoredTensor; readonly shard: StoredTensors }>();
  for (const [tensorName, file] of files) {
    const shard = shards.get(file);
    const tensor = shard?.tensors.get(tensorName);
    if (shard === undefined || tensor === undefined) {
      throw new DataError({
        where: WHERE,
        argument: name,
        wanted: `tensor ${showJson(tensorName)} in ${file}`,
        got: "a file without it",
        fix: "Fetch index and shards of one version.",
      });
    }
    places.set(tensorName, { tensor, shard });
  }
  return {
    tensors: new Map([...places].map(([tensorName, { tensor }]) => [tensorName, tensor])),
    metadata: Object.assign({}, ...[...shards.values()].map(({ metadata }) => metadata)) as Record<string, string>,
    async read(tensorName) {
      const place = places.get(tensorName);
      if (place === undefined) throw noSuchTensor(WHERE, name, tensorName, places);
      return place.shard.read(tensorName);
    },
  };
}

/**
 * Opens a safetensors model that is split into shards, from the text of its index (`model.safetensors.index.json`).
 *
 * `open` returns the bytes of a shard by its file name. `name` stands for the index in error messages. Only the headers
 * stay in memory. Tensors that the index does not name are left out.
 * @throws DataError for an index or shard that is malformed, or a shard without a tensor that the index promises.
 * @example
 * const index = await readFile("model.safetensors.index.json", "utf8");
 * const weights = await openShardedSafetensors(index, (file) => openAsBlob(file));
 */
export async function openShardedSafetensors(
  index: string,
  open: (file: string) => Promise<BinaryData>,
  name = "index",
): Promise<StoredTensors> {
  checkArguments(WHERE, { index, open, name }, { index: text, open: callable, name: text });
  return openShards(index, name, async (file) => openSafetensors(await open(file)));
}
