import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { conduct } from "../studies/study.js";
import type { Study } from "../studies/study.js";
import { backendNames, chooseBackend } from "./backend.js";
import type { BackendName } from "./backend.js";
import { commandPath } from "./command-path.js";
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
}

/** Parses a whole number of at least `least`; commander reports what it throws. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= 0x7fffffff) return value;
    throw new InvalidArgumentError(`Wanted a whole number from ${least} to ${0x7fffffff}.`);
  };
}

/** Adds `--seed`, `--out` and `--backend`. */
export function withStudyOptions(command: Command): Command {
  return command
    .option("--seed <n>", "seed of the split, the weights and the batches", wholeNumber(0), DEFAULT_SEED)
    .option("--out <folder>", "where results.json, report.html and the figures go", `out/${command.name()}`)
    .addOption(new Option("--backend <name>", "where to compute").choices(backendNames).default("auto"))
    .allowExcessArguments(false);
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** The command that repeats a run: every option given, and the seed and backend in any case. */
function repeatCommand(command: Command, backend: string): string {
  const values: Readonly<Record<string, unknown>> = { ...command.opts(), backend };
  const flags = command.options.flatMap((option) => {
    const name = option.attributeName();
    const isGiven = command.getOptionValueSource(name) === "cli" || name === "seed" || name === "backend";
    if (!isGiven || name === "out") return [];
    return values[name] === true ? [option.long!] : [option.long!, quote(String(values[name]))];
  });
  return ["npx", ...commandPath(command), ...command.args.map(quote), ...flags].join(" ");
}

/** Runs a study for the command line: adapter line, progress, closing tables; gives the exit code. */
export async function runStudy<Configuration, Measurements>(
  study: Study<Configuration, Measurements>,
  configuration: Configuration,
  command: Command,
  terminal: Terminal,
): Promise<number> {
  const { seed, out, backend: wanted } = command.opts<StudyOptions>();
  const { stdout, signal } = terminal;
  const chosen = await chooseBackend(wanted);
  stdout.write(`${chosen.line}\n`);
  const view = progressView(terminal);
  try {
    const { results, presentation } = await conduct(study, configuration, {
      backend: chosen.backend,
      seed,
      out,
      command: repeatCommand(command, chosen.backend.name),
      report: (event) => view.report(event),
      ...(signal ? { signal } : {}),
    });
    view.stop();
    const tables = presentation.blocks.flatMap((block) => (block.kind === "table" && block.summary ? [formatTable(block)] : []));
    stdout.write(`\n${[...tables, presentation.answer].join("\n\n")}\n`);
    stdout.write(`${results.partial ? "Stopped; what was computed so far" : `Done in ${results.seconds.toFixed(0)} s; results`}: ${out}/report.html, ${out}/results.json\n`);
    return results.partial ? STOPPED : 0;
  } finally {
    view.stop();
    chosen.dispose();
  }
}
