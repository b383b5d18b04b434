import type { ByteSource } from "attention-kernels/weights";
import type { Model } from "./dissect.js";

/** A file that is read in parts, under its own name in messages. */
const sourceOf = (file: File): ByteSource => ({
  name: file.name,
  size: file.size,
  read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
});

/**
 * The model that some files are: a file of weights, or an index and its shards, and perhaps a config.json.
 *
 * @param files what the visitor gave
 */
export async function modelOf(files: readonly File[]): Promise<Model> {
  const config = files.find(({ name }) => name === "config.json");
  const others = files.filter((file) => file !== config);
  const file = others.length === 1 ? others[0] : others.find(({ name }) => name.endsWith(".index.json"));
  if (file === undefined)
    throw new Error(
      "Wanted one file of weights, or an index (.index.json) with its shards, and config.json beside it if there is " +
        `one; got ${files.map(({ name }) => name).join(", ")}.`,
    );
  return {
    file: sourceOf(file),
    shard: async (wanted) => {
      const shard = files.find(({ name }) => name === wanted);
      if (shard === undefined) throw new Error(`${file.name} names ${wanted}: give this file too, together with it.`);
      return Promise.resolve(sourceOf(shard));
    },
    ...(config ? { config: JSON.parse(await config.text()) as unknown } : {}),
  };
}
