import { join } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { EPOCHS, SEED, SEEDS } from "../studies/limits.js";
import type { Presentation } from "../studies/report/presentation.js";
import { conduct } from "../studies/runner/study.js";
import type { Results, Study } from "../studies/runner/study.js";
import type { Shard } from "../studies/runner/tasks.js";
import { backendNames, chooseBackend } from "./backend.js";
import type { BackendName } from "./backend.js";
import { commandPath } from "./command-path.js";
import { kernelNames, number } from "./flags.js";
import { progressView } from "./progress.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

const STOPPED = 130;
const DEFAULT_SEED = 1;

/** Options that every study has. */
export interface StudyOptions {
  readonly seed: number;
  readonly out: string;
  readonly backend: BackendName;
  readonly resume?: true;
  readonly only?: readonly string[];
  readonly shard?: Shard;
}

/** Parses "2/8". */
function shardOf(text: string): Shard {
  const [, index, count] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError("Wanted i/n with i from 1 to n.");
}

/** Adds `--seed` and `--out`. */
export function withPlaceOptions(command: Command, seedOf: string): Command {
  return command
    .option("--seed <n>", `seed of ${seedOf}`, number(SEED), DEFAULT_SEED)
    .option("--out <folder>", "where results.json, report.html and the figures go", `out/${command.name()}`);
}

/** Adds `--resume`. */
export function withResume(command: Command): Command {
  return command.option("--resume", "go on from what an earlier run into this folder finished or stored");
}

/** Adds `--seed`, `--out` and `--backend`. */
function withStudyOptions(command: Command): Command {
  return withPlaceOptions(command, "the split, the weights and the batches")
    .addOption(new Option("--backend <name>", "where to compute").choices(backendNames).default("auto"))
    .allowExcessArguments(false);
}

/** Adds what every study has whose runs are tasks: those options, and which of its runs to do. */
export function withTaskOptions(command: Command): Command {
  return withResume(withStudyOptions(command))
    .option("--only <names>", "only runs with these words in their names, with commas between", (text: string) => text.split(","))
    .option("--shard <i/n>", "part i of n of the runs, into a folder of its own; study merge joins the parts", shardOf);
}

/** Flags of every study that trains encoders with several kernels. */
export interface ComparisonFlags {
  readonly kernels?: readonly string[];
  readonly seeds?: number;
  readonly epochs?: number;
}

/** Adds these flags; `seedsOf` says what a seed draws. */
export function withComparisonOptions(command: Command, seedsOf: string): Command {
  return withTaskOptions(command)
    .option("--kernels <names>", "kernels by name, with commas between; the first is what others are compared with", kernelNames)
    .option("--seeds <n>", seedsOf, number(SEEDS))
    .option("--epochs <n>", "epochs of every encoder", number(EPOCHS));
}

/** Adds `--data`. */
export function withDataOption(command: Command): Command {
  return command.option("--data <file>", "your own texts: .csv with columns text and label, or .jsonl with those keys");
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** Options that say how much of a study is run, not what it is. */
const CHOICES: readonly string[] = ["out", "resume", "only", "shard"];

/** The command that repeats a whole study: every option given, and the seed and backend in any case. */
function repeatCommand(command: Command, backend: string): string {
  const values: Readonly<Record<string, unknown>> = { ...command.opts(), backend };
  const flags = command.options.flatMap((option) => {
    const name = option.attributeName();
    const isGiven = command.getOptionValueSource(name) === "cli" || name === "seed" || name === "backend";
    if (!isGiven || CHOICES.includes(name)) return [];
    return values[name] === true ? [option.long!] : [option.long!, quote(String(values[name]))];
  });
  return ["npx", ...commandPath(command), ...command.args.map(quote), ...flags].join(" ");
}

/** The last line of a run: where the results are, and the command that comes next, if there is one. */
function closingLine({ partial, seconds, part }: Results<unknown, unknown>, folder: string, { out, shard, only }: StudyOptions, repeat: string): string {
  const place = `${folder}/report.html, ${folder}/results.json`;
  if (partial) {
    const choice = [...(only ? ["--only", quote(only.join(","))] : []), ...(shard ? ["--shard", `${shard.index}/${shard.count}`] : [])];
    return `Stopped; what was computed so far: ${place}\nGo on with: ${[repeat, "--out", quote(out), ...choice, "--resume"].join(" ")}\n`;
  }
  const next = shard ? `\nJoin the shards with: npx attention-kernels study merge ${quote(out)}/shard-*-of-${shard.count} --out ${quote(out)}` : "";
  return `Done in ${seconds.toFixed(0)} s${part === undefined ? "" : `: ${part}`}; results: ${place}${next}\n`;
}

/** What a study found: the tables that sum it up, and its answer. */
export function closingText({ blocks, answer }: Presentation): string {
  const tables = blocks.flatMap((block) => (block.kind === "table" && block.summary ? [formatTable(block)] : []));
  return [...tables, answer].join("\n\n");
}

/** Runs a study for the command line: adapter line, progress, closing tables; gives the exit code. */
export async function runStudy<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  configuration: Configuration,
  command: Command,
  terminal: Terminal,
): Promise<number> {
  const given = command.opts<StudyOptions>();
  const { seed, backend: wanted, resume, only, shard } = given;
  const out = shard ? join(given.out, `shard-${shard.index}-of-${shard.count}`) : given.out;
  const { stdout, signal } = terminal;
  const chosen = await chooseBackend(wanted);
  stdout.write(`${chosen.line}\n`);
  const view = progressView(terminal);
  const repeat = repeatCommand(command, chosen.backend.name);
  try {
    const { results, presentation } = await conduct(study, configuration, {
      backend: chosen.backend,
      seed,
      out,
      command: repeat,
      ...(resume ? { resume } : {}),
      ...(only ? { only } : {}),
      ...(shard ? { shard } : {}),
      report: (event) => view.report(event),
      ...(signal ? { signal } : {}),
    });
    view.stop();
    stdout.write(`\n${closingText(presentation)}\n${closingLine(results, out, given, repeat)}`);
    return results.partial ? STOPPED : 0;
  } finally {
    view.stop();
    chosen.dispose();
  }
}
