import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ArgumentError, DataError } from "../../core/errors.js";
import type { DeviceDescription } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { SEED } from "../options.js";
import type { TitledReport } from "../report/report.js";
import { conduct, publish, type Conducted, type Results } from "./conduct.js";
import type { StudyEvent } from "./events.js";
import { schemaOf, type Declared, type Values } from "./options.js";
import { fromJson } from "./results.js";
import {
  anything,
  flag,
  map,
  oneOf,
  optional,
  real,
  record,
  text,
  violation,
  whole,
  type Fields,
  type Schema,
} from "./schema.js";
import type { Study } from "./study.js";
import { decisiveVersions } from "./versions.js";

/**
 * Schema of a results file. The configuration is checked by the schema of the study's options; measurements are not
 * checked.
 */
const resultsFields = {
  study: text,
  partial: flag,
  part: optional(text),
  seed: whole(SEED.least, SEED.most),
  command: text,
  device: record({ kind: oneOf(["cpu", "hardware", "software"]), name: text } satisfies Fields<DeviceDescription>),
  versions: map(text),
  startedAt: text,
  seconds: real(0, Infinity),
  configuration: anything,
  measurements: anything,
  error: optional(text),
} as const satisfies Fields<Results>;

async function resultsIn(
  where: string,
  folder: string,
  studies: readonly Study[],
): Promise<{ readonly study: Study; readonly results: Results }> {
  const path = join(folder, "results.json");
  const refuse = (argument: string, wanted: string, got: string): never => {
    throw new DataError({ where, argument, wanted, got, fix: "Name a folder that a study wrote." });
  };
  let results: unknown;
  try {
    results = fromJson(await readFile(path, "utf8"));
  } catch (cause) {
    // invalid JSON, or JSON nested too deeply
    const isNone = cause instanceof SyntaxError || cause instanceof RangeError;
    return refuse(path, "the results of a study", isNone ? "none" : String((cause as NodeJS.ErrnoException).code));
  }
  const check = (schema: Schema, value: unknown, name: string): void => {
    const wrong = violation(schema, value, name);
    if (wrong !== undefined) refuse(`${path}: ${wrong.path}`, wrong.wanted, wrong.got);
  };
  check(record(resultsFields), results, "results");
  const checked = results as Results; // its configuration is checked below
  const study =
    studies.find(({ name }) => name === checked.study) ??
    refuse(`${path}: results.study`, `one of ${studies.map(({ name }) => name).join(", ")}`, checked.study);
  check(schemaOf(study.options), checked.configuration, "configuration");
  return { study, results: checked };
}

/** Fields that are equal in all shards of a study. */
const shared = ({ study, seed, configuration, device, versions }: Results) => ({
  study,
  seed,
  configuration,
  device,
  versions: decisiveVersions(versions, device.kind),
});

/** Describes where two values differ: the differing fields, or the whole value. */
function difference(value: unknown, other: unknown): string {
  const isPlain = (item: unknown): item is Record<string, unknown> =>
    typeof item === "object" && item !== null && !Array.isArray(item);
  if (!isPlain(value) || !isPlain(other)) return JSON.stringify(value);
  return [...new Set([...Object.keys(value), ...Object.keys(other)])]
    .filter((name) => !isDeepStrictEqual(value[name], other[name]))
    .map((name) => `${name} ${difference(value[name], other[name])}`)
    .join(", ");
}

function checkAlike(all: readonly Results[], folders: readonly string[]): void {
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
 * Merges the finished tasks of shards into the results and the report of the whole study.
 *
 * Computes no task again, and writes results only if every task is finished. `out` can be resumed like any run.
 * @throws DataError for a folder without results or with an invalid field, ArgumentError for shards of different
 * studies or a task that no shard has finished.
 */
export async function mergeShards(
  folders: readonly string[],
  studies: readonly Study[],
  { out, report }: { readonly out?: string; readonly report?: (event: StudyEvent) => void } = {},
): Promise<Conducted & { readonly out: string }> {
  const all: Awaited<ReturnType<typeof resultsIn>>[] = [];
  for (const folder of folders) all.push(await resultsIn("merge", folder, studies));
  checkAlike(
    all.map(({ results }) => results),
    folders,
  );
  const [
    {
      study,
      results: { seed, command, device, versions, configuration },
    },
  ] = all;
  const target = out ?? join("out", study.name);
  return {
    ...(await conduct(study, configuration as Values<Declared>, {
      backend: cpu,
      device,
      versions,
      seed,
      out: target,
      command,
      finishedIn: folders,
      report,
    })),
    out: target,
  };
}

/**
 * Redraws the report and the figures of a folder from its `results.json`.
 *
 * @throws DataError for a folder without results or with an invalid field.
 */
export async function redraw(folder: string, studies: readonly Study[]): Promise<TitledReport> {
  const { study, results } = await resultsIn("report", folder, studies);
  try {
    return await publish(study, results, folder);
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    throw new DataError({
      where: "report",
      argument: join(folder, "results.json"),
      wanted: `measurements of study ${study.name}, as this version writes them`,
      got: cause.message,
      fix: "Run the study again with --resume.",
    });
  }
}
