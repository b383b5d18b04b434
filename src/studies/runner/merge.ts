import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ArgumentError, DataError } from "../../core/errors.js";
import type { DeviceDescription } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { SEED } from "../limits.js";
import type { Presentation } from "../report/presentation.js";
import type { StudyEvent } from "./events.js";
import { fromJson } from "./results.js";
import { anything, flag, map, oneOf, optional, real, record, text, violation, type Fields, type Schema } from "./schema.js";
import { conduct, type Results, type Study } from "./study.js";
import { decisiveVersions } from "./versions.js";

type AnyResults = Results<unknown, unknown>;

type AnyStudy = Study<unknown, unknown>;

/** What a results file must be, the configuration aside: that is its study's. */
const resultsFields = {
  study: text,
  partial: flag,
  part: optional(text),
  seed: SEED,
  command: text,
  device: record({ kind: oneOf(["cpu", "hardware", "software"]), name: text } satisfies Fields<DeviceDescription>),
  versions: map(text),
  startedAt: text,
  seconds: real(0, Infinity),
  configuration: anything,
  measurements: anything, // they come from the tasks
  error: optional(text),
} as const satisfies Fields<AnyResults>;

async function resultsIn(folder: string, studies: readonly AnyStudy[]): Promise<{ readonly study: AnyStudy; readonly results: AnyResults }> {
  const path = join(folder, "results.json");
  const refuse = (argument: string, wanted: string, got: string): never => {
    throw new DataError({ where: "merge", argument, wanted, got, fix: "Name the folders that its shards wrote." });
  };
  let results: unknown;
  try {
    results = fromJson(await readFile(path, "utf8"));
  } catch (cause) {
    // JSON that is none, or is nested without end
    const isNone = cause instanceof SyntaxError || cause instanceof RangeError;
    return refuse(path, "the results of a study", isNone ? "none" : String((cause as NodeJS.ErrnoException).code));
  }
  const check = (schema: Schema, value: unknown, name: string): void => {
    const wrong = violation(schema, value, name);
    if (wrong !== undefined) refuse(`${path}: ${wrong.path}`, wrong.wanted, wrong.got);
  };
  check(record(resultsFields), results, "results");
  const checked = results as AnyResults; // its configuration is checked below
  const study = studies.find(({ name }) => name === checked.study) ?? refuse(`${path}: results.study`, `one of ${studies.map(({ name }) => name).join(", ")}`, checked.study);
  if (study.configuration !== undefined) check(study.configuration, checked.configuration, "configuration");
  return { study, results: checked };
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
 * @throws DataError for a folder without results or with a field that is not as a study writes it, ArgumentError for shards of different studies or a task that no shard has finished.
 */
export async function mergeShards(
  folders: readonly string[],
  studies: readonly AnyStudy[],
  { out, report }: { readonly out?: string; readonly report?: (event: StudyEvent) => void } = {},
): Promise<{ results: AnyResults; presentation: Presentation; out: string }> {
  const all: Awaited<ReturnType<typeof resultsIn>>[] = [];
  for (const folder of folders) all.push(await resultsIn(folder, studies));
  checkAlike(all.map(({ results }) => results), folders);
  const [{ study, results: { seed, command, device, versions, configuration } }] = all;
  const target = out ?? join("out", study.name);
  return { ...(await conduct(study, configuration, { backend: cpu, device, versions, seed, out: target, command, finishedIn: folders, ...(report ? { report } : {}) })), out: target };
}
