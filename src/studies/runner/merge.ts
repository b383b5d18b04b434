import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ArgumentError, DataError } from "../../core/errors.js";
import { cpu } from "../../cpu/cpu.js";
import type { Presentation } from "../report/presentation.js";
import type { StudyEvent } from "./events.js";
import { fromJson } from "./results.js";
import { conduct, type Results, type Study } from "./study.js";
import { decisiveVersions } from "./versions.js";

type AnyResults = Results<unknown, unknown>;

async function resultsIn(folder: string): Promise<AnyResults> {
  const path = join(folder, "results.json");
  try {
    const results: unknown = fromJson(await readFile(path, "utf8"));
    if (typeof results === "object" && results !== null && "study" in results && "configuration" in results && "device" in results && "versions" in results) return results as AnyResults;
    throw new SyntaxError("something else");
  } catch (cause) {
    const got = cause instanceof SyntaxError ? "none" : String((cause as NodeJS.ErrnoException).code);
    throw new DataError({ where: "merge", argument: path, wanted: "the results of a study", got, fix: "Name the folders that its shards wrote." });
  }
}

/** What shards of one study have in common. */
const shared = ({ study, seed, configuration, device, versions }: AnyResults) => ({ study, seed, configuration, device, versions: decisiveVersions(versions, device.kind) });

/** What of `value` is not as in `other`: the fields that differ, or all of it. */
function difference(value: unknown, other: unknown): string {
  const isPlain = (item: unknown): item is Record<string, unknown> => typeof item === "object" && item !== null && !Array.isArray(item);
  if (!isPlain(value) || !isPlain(other)) return JSON.stringify(value);
  return [...new Set([...Object.keys(value), ...Object.keys(other)])]
    .filter((name) => !isDeepStrictEqual(value[name], other[name]))
    .map((name) => `${name} ${difference(value[name], other[name])}`)
    .join(", ");
}

function checkAlike(all: readonly AnyResults[], folders: readonly string[]): void {
  const [first, ...others] = all.map(shared);
  const names = Object.keys(first) as (keyof typeof first)[];
  others.forEach((results, index) => {
    const other = names.find((name) => !isDeepStrictEqual(results[name], first[name]));
    if (other === undefined) return;
    throw new ArgumentError({
      where: "merge",
      argument: folders[index + 1],
      wanted: `the ${other} of ${folders[0]}, ${difference(first[other], results[other])}`,
      got: difference(results[other], first[other]),
      fix: "Run the shards of one study with the same options and versions, on devices of one kind.",
    });
  });
}

/**
 * Joins what shards of a study have finished into the results of the whole study, and its report.
 *
 * Computes no task again, and writes results only if none lacks. `out` can be resumed like a run of its own.
 * @throws DataError for a folder without results, ArgumentError for shards of different studies or a task that no shard has finished.
 */
export async function mergeShards(
  folders: readonly string[],
  studies: readonly Study<unknown, unknown>[],
  { out, report }: { readonly out?: string; readonly report?: (event: StudyEvent) => void } = {},
): Promise<{ results: AnyResults; presentation: Presentation; out: string }> {
  const all: AnyResults[] = [];
  for (const folder of folders) all.push(await resultsIn(folder));
  checkAlike(all, folders);
  const [{ study: name, seed, command, device, versions, configuration }] = all;
  const study = studies.find((known) => known.name === name);
  if (study === undefined) throw new DataError({ where: "merge", argument: folders[0], wanted: `a study of ${studies.map((known) => known.name).join(", ")}`, got: name });
  const target = out ?? join("out", name);
  return { ...(await conduct(study, configuration, { backend: cpu, device, versions, seed, out: target, command, finishedIn: folders, ...(report ? { report } : {}) })), out: target };
}
