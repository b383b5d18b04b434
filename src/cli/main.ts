import { Command, CommanderError } from "commander";
import { AttentionKernelsError } from "../core/errors.js";
import { convergence } from "../studies/convergence/study.js";
import { dynamics } from "../studies/dynamics/study.js";
import { elliptical } from "../studies/elliptical/study.js";
import { pathfinder } from "../studies/pathfinder/study.js";
import { potts } from "../studies/potts/study.js";
import type { Study } from "../studies/runner/study.js";
import { collectVersions } from "../studies/runner/versions.js";
import { symmetric } from "../studies/symmetric/study.js";
import { text } from "../studies/text/study.js";
import { wavefunction } from "../studies/wavefunction/study.js";
import { convergenceCommand } from "./convergence.js";
import { dissectCommand } from "./dissect.js";
import { dynamicsCommand } from "./dynamics.js";
import { ellipticalCommand } from "./elliptical.js";
import { mergeCommand } from "./merge.js";
import { oneLine } from "./output.js";
import { pathfinderCommand } from "./pathfinder.js";
import { pottsCommand } from "./potts.js";
import { symmetricCommand } from "./symmetric.js";
import type { Terminal } from "./terminal.js";
import { textCommand } from "./text.js";
import { wavefunctionCommand } from "./wavefunction.js";

const BAD_INPUT = 2;

/** All studies whose runs are tasks. */
export const studies: readonly Study<unknown, unknown>[] = [convergence, dynamics, elliptical, pathfinder, potts, symmetric, text, wavefunction];

/** Whether the operating system refused something: a full disk, a folder without permission. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "syscall" in error && "code" in error;

/** All commands; `finish` gets the exit code of the one that was run. */
export function commandLine(terminal: Terminal, finish: (exitCode: number) => void, version = "unknown"): Command {
  const study = new Command("study").description("run one of the papers' experiments");
  const commands = [convergenceCommand, dynamicsCommand, ellipticalCommand, pathfinderCommand, pottsCommand, symmetricCommand, textCommand, wavefunctionCommand];
  for (const command of commands) study.addCommand(command(terminal, finish));
  study.addCommand(mergeCommand(studies, terminal));
  const analyze = new Command("analyze").description("look into the weights of a stored model").addCommand(dissectCommand(terminal, finish), { isDefault: true });
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
 * Errors that are neither the library's own nor the operating system's are thrown: they are bugs, and deserve their stack.
 */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const versions = await collectVersions();
  let code = 0;
  const finish = (exitCode: number): void => {
    code = exitCode;
  };
  const program = commandLine(terminal, finish, versions["attention-kernels"]);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      terminal.stderr.write(oneLine(error.code === "commander.help" ? "Name a command; see --help." : error.message.replace(/^error: /, "")));
      return BAD_INPUT;
    }
    if (error instanceof AttentionKernelsError || isSystemError(error)) {
      terminal.stderr.write(oneLine(error.message));
      return BAD_INPUT;
    }
    throw error;
  }
}
