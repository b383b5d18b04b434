import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { SEED } from "../studies/options.js";
import type { Report } from "../studies/report/report.js";
import { conduct, type Results } from "../studies/runner/conduct.js";
import {
  chosenBy,
  dashed,
  flagsOf,
  valueAt,
  valuesOf,
  wholeFlag,
  type Chosen,
  type Declared,
  type Flag,
} from "../studies/runner/options.js";
import type { Study } from "../studies/runner/study.js";
import type { Shard } from "../studies/runner/tasks.js";
import { backendNames, chooseBackend, type BackendName } from "./backend.js";
import { progressView } from "./progress.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

const STOPPED = 130;
const DEFAULT_SEED = 1;

/** Options that every study has. */
interface CommonOptions {
  readonly seed: number;
  readonly out: string;
  readonly backend: BackendName;
  readonly resume?: true;
  readonly only?: readonly string[];
  readonly shard?: Shard;
}

/** Options that choose where and how much of a study runs, not what it computes. */
const CHOICES: readonly string[] = ["out", "resume", "only", "shard"];

/** Parses "2/8". */
function shardOf(text: string): Shard {
  const [, index, count] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError("Wanted i/n with i from 1 to n.");
}

/** The user's text of parsed options. */
const texts = new WeakMap<Option, string>();

/** A flag as an option of a command. */
function optionOf(name: string, flag: Flag<unknown>, initial?: unknown): Option {
  const { argument, help, wanted, range, choices } = flag;
  const option = new Option(`--${name} <${argument}>`, help);
  if (initial !== undefined) option.default(initial, Array.isArray(initial) ? initial.join(",") : undefined);
  if (choices) return option.choices(choices);
  const read = (text: string): unknown => {
    const value = flag.parse(text);
    texts.set(option, text);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`Wanted ${wanted}.`);
  };
  return option.argParser(range === undefined ? read : Object.assign(read, { range }));
}

/** The options of a study that a command was given. */
function chosenIn({ options, presets = {}, argument }: Study, command: Command): Chosen<Declared> {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  const names = given.map((option) => option.long!.slice(2));
  const values = new Map(
    given.map((option, index) => [names[index], command.getOptionValue(option.attributeName()) as unknown]),
  );
  const chosen = chosenBy(
    options,
    Object.keys(presets)
      .filter((name) => names.includes(dashed(name)))
      .map((name) => presets[name]),
    values,
  );
  return argument ? ({ ...chosen, [argument.option]: command.args[0] } as Chosen<Declared>) : chosen;
}

/** The names of a command and its parents, from the program on. */
export function commandPath(command: Command): string[] {
  return [...(command.parent ? commandPath(command.parent) : []), command.name()];
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** The command that repeats a whole study, with every given option, and always with seed and backend. */
function repeatCommand(command: Command, backend: string): string {
  const values: Readonly<Record<string, unknown>> = { ...command.opts(), backend };
  const flags = command.options.flatMap((option) => {
    const name = option.attributeName();
    const isGiven = command.getOptionValueSource(name) === "cli" || name === "seed" || name === "backend";
    if (!isGiven || CHOICES.includes(name)) return [];
    return values[name] === true ? [option.long!] : [option.long!, quote(texts.get(option) ?? String(values[name]))];
  });
  return ["npx", ...commandPath(command), ...command.args.map(quote), ...flags].join(" ");
}

/** The last lines of a run: the place of the results, and the next command, if there is one. */
function closingLine(
  { partial, seconds, part }: Results,
  folder: string,
  { out, shard, only }: CommonOptions,
  repeat: string,
): string {
  const place = `${folder}/report.html, ${folder}/results.json`;
  if (partial) {
    const choice = [
      ...(only ? ["--only", quote(only.join(","))] : []),
      ...(shard ? ["--shard", `${shard.index}/${shard.count}`] : []),
    ];
    return (
      `Stopped; what was computed so far: ${place}\nGo on with: ` +
      `${[repeat, "--out", quote(out), ...choice, "--resume"].join(" ")}\n`
    );
  }
  const next = shard
    ? `\nJoin the shards with: npx attention-kernels study merge ${quote(out)}/shard-*-of-${shard.count} ` +
      `--out ${quote(out)}`
    : "";
  return `Done in ${seconds.toFixed(0)} s${part === undefined ? "" : `: ${part}`}; results: ${place}${next}\n`;
}

/** The summary of a study: its summary tables and its answer. */
export function closingText({ blocks, answer }: Report): string {
  const tables = blocks.flatMap((block) => (block.kind === "table" && block.summary ? [formatTable(block)] : []));
  return [...tables, answer].join("\n\n");
}

/** Runs a study with adapter line, progress and closing summary; returns the exit code. */
async function run(study: Study, chosen: Chosen<Declared>, command: Command, terminal: Terminal): Promise<number> {
  const given = command.opts<CommonOptions>();
  const { seed, backend: wanted, resume, only, shard } = given;
  const configuration = valuesOf(study.options, study.derive?.(chosen) ?? {}, chosen);
  const out = shard ? join(given.out, `shard-${shard.index}-of-${shard.count}`) : given.out;
  const { stdout, signal } = terminal;
  const adapter = await chooseBackend(wanted);
  const { backend } = adapter;
  stdout.write(`${adapter.line}\n`);
  const view = progressView(terminal);
  const repeat = repeatCommand(command, backend.name);
  try {
    const { results, report } = await conduct(study, configuration, {
      backend,
      seed,
      out,
      command: repeat,
      resume,
      only,
      shard,
      signal,
      report: (event) => view.report(event),
    });
    view.stop();
    stdout.write(`\n${closingText(report)}\n${closingLine(results, out, given, repeat)}`);
    return results.partial ? STOPPED : 0;
  } finally {
    view.stop();
    adapter.dispose();
  }
}

/** The command of a study. */
export function studyCommand(study: Study, terminal: Terminal, finish: (exitCode: number) => void): Command {
  const { name, question, argument, seedOf = "the splits, the weights and the batches", options, presets = {} } = study;
  const command = new Command(name).description(question).allowExcessArguments(false);
  if (argument) command.argument(`<${argument.option}>`, argument.help);
  command
    .addOption(
      optionOf(
        "seed",
        wholeFlag("seed", SEED, `seed of ${seedOf}`, (seed) => seed),
        DEFAULT_SEED,
      ),
    )
    .option("--out <folder>", "folder of results.json, report.html and the figures", `out/${name}`)
    .addOption(
      new Option("--backend <name>", "where to compute")
        .choices(study.backend ? [study.backend] : backendNames)
        .default(study.backend ?? "auto")
        .hideHelp(study.backend !== undefined),
    )
    .option("--resume", "continue an earlier run in this folder")
    .option("--only <names>", "only runs with these words in their names, separated by commas", (text: string) =>
      text.split(","),
    )
    .option("--shard <i/n>", "part i of n of the runs, in its own folder; study merge joins the parts", shardOf);
  for (const [preset, { help }] of Object.entries(presets)) command.option(`--${dashed(preset)}`, help);
  const defaults = valuesOf(options, study.derive?.({}) ?? {});
  for (const { name: flag, flag: declared, places, conflicts } of flagsOf(options)) {
    const initial = conflicts.length > 0 ? undefined : valueAt(defaults, places[0]);
    command.addOption(
      optionOf(flag, declared, Array.isArray(initial) && initial.length === 0 ? undefined : initial).conflicts([
        ...conflicts,
      ]),
    );
  }
  return command.action(async () => finish(await run(study, chosenIn(study, command), command, terminal)));
}
