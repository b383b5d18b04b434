import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DataError } from "../../core/errors.js";

/** Indented JSON; NaN and the infinities, which JSON lacks, become the strings "NaN", "Infinity" and "-Infinity". */
export function toJson(value: unknown): string {
  const replace = (_: string, item: unknown): unknown =>
    typeof item === "number" && !Number.isFinite(item)
      ? String(item)
      : ArrayBuffer.isView(item)
        ? Array.from(item as Float64Array)
        : item;
  return `${JSON.stringify(value, replace, 1)}\n`;
}

/** The inverse of `toJson`, except that typed arrays become plain arrays. */
export function fromJson(text: string): unknown {
  const notFinite: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity };
  return JSON.parse(text, (_, item: unknown) =>
    typeof item === "string" && Object.hasOwn(notFinite, item) ? notFinite[item] : item,
  );
}

/** Removes temporary files that killed processes left in a folder. */
export async function clearTemporary(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []); // no such folder yet
  const left = names.filter((name) => /(\.(json|html|svg|safetensors)|^lock)\.\d+\.tmp$/.test(name));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

/**
 * Creates a folder and its missing parents; returns the topmost one that it created.
 *
 * Creates them one by one: on a file system that takes no folders, such as /proc, `mkdir` with `recursive` never
 * returns, and no signal ends it.
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const path = resolve(folder);
  const about = await stat(path).catch(() => undefined);
  if (about?.isDirectory()) return undefined;
  const above = dirname(path) === path ? undefined : await makeFolder(dirname(path));
  const made = await mkdir(path).then(
    () => path,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST" || about !== undefined) throw error;
      return undefined; // another process created it in the meantime
    },
  );
  return above ?? made;
}

/**
 * Writes `folder/name` so that a reader finds the old content or the new one, never a part.
 *
 * @throws DataError when the folder cannot be created or written.
 */
export async function writeAtomically(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(folder, name);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await makeFolder(folder);
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync(); // without it a power failure may leave the new name without the content
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new DataError({
      where: "writeAtomically",
      argument: path,
      wanted: "a place to write",
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      fix: "Choose another folder with --out.",
    });
  }
}
