import { Command, CommanderError } from "commander";
import { AttentionKernelsError } from "../core/errors.js";
import { studies as registered } from "../studies/registry.js";
import { mergeShards, redraw } from "../studies/runner/merge.js";
import type { Study } from "../studies/runner/study.js";
import { collectVersions } from "../studies/runner/versions.js";
import { oneLine } from "./output.js";
import { closingText, studyCommand } from "./study.js";
import type { Terminal } from "./terminal.js";

const BAD_INPUT = 2;

/** Whether an error comes from the operating system, such as a full disk or a missing permission. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && "code" in error;

/** `study merge`. */
function mergeCommand({ stdout }: Terminal, studies: readonly Study[]): Command {
  return new Command("merge")
    .description("merge the results of shards (--shard i/n) into those of the whole study")
    .argument("<folders...>", "output folders of the shards, such as out/dynamics/shard-*")
    .option("--out <folder>", "folder of the merged results (default: out/<name of the study>)")
    .action(async (folders: readonly string[], { out: wanted }: { readonly out?: string }) => {
      const { report, out } = await mergeShards(folders, studies, {
        out: wanted,
        report: (event) => event.kind === "note" && stdout.write(`${event.text}\n`),
      });
      stdout.write(
        `${closingText(report)}\nJoined ${folders.length} shards: ${out}/report.html, ${out}/results.json\n`,
      );
    });
}

/** `study report`. */
function reportCommand({ stdout }: Terminal, studies: readonly Study[]): Command {
  return new Command("report")
    .description("redraw report.html and the figures from the results.json in a folder")
    .argument("<folder>", "output folder of a study, such as out/dynamics")
    .allowExcessArguments(false)
    .action(async (folder: string) => {
      stdout.write(`${closingText(await redraw(folder, studies))}\nDrawn again: ${folder}/report.html\n`);
    });
}

/** All commands; `finish` gets the exit code of the command that runs. */
export function commandLine(
  terminal: Terminal,
  finish: (exitCode: number) => void,
  version = "unknown",
  studies = registered,
): Command {
  const study = new Command("study").description("run one of the papers' experiments");
  const analyze = new Command("analyze").description("analyse the weights of a stored model");
  const usual = studies.find(({ group }) => group === "analyze");
  for (const own of studies)
    (own.group === "analyze" ? analyze : study).addCommand(studyCommand(own, terminal, finish), {
      isDefault: own === usual,
    });
  study.addCommand(mergeCommand(terminal, studies)).addCommand(reportCommand(terminal, studies));
  const program = new Command("attention-kernels")
    .description("Attention kernels, and what they do to learning.")
    .version(version)
    .addCommand(study)
    .addCommand(analyze);
  for (const command of [program, study, ...study.commands, analyze, ...analyze.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: () => undefined, // reported below, in one line
      outputError: () => undefined,
    });
  }
  return program;
}

/**
 * Runs the command line and gives its exit code: 0 done, 2 bad input (one line on `stderr`), 130 stopped by a signal.
 *
 * Errors that come neither from the library nor from the operating system are bugs, and are thrown with their stack.
 */
export async function main(argv: readonly string[], terminal: Terminal, studies = registered): Promise<number> {
  const versions = await collectVersions();
  let code = 0;
  const finish = (exitCode: number): void => {
    code = exitCode;
  };
  const program = commandLine(terminal, finish, versions["attention-kernels"], studies);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      terminal.stderr.write(
        oneLine(
          error.code === "commander.help" ? "Name a command; see --help." : error.message.replace(/^error: /, ""),
        ),
      );
      return BAD_INPUT;
    }
    if (error instanceof AttentionKernelsError || isSystemError(error)) {
      terminal.stderr.write(oneLine(error.message));
      return BAD_INPUT;
    }
    throw error;
  }
}
