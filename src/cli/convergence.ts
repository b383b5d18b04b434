import { Command } from "commander";
import { full, learningFields, quick, type ConvergenceConfiguration } from "../studies/convergence/configuration.js";
import { convergence } from "../studies/convergence/study.js";
import { STEPS } from "../studies/limits.js";
import { given, number } from "./flags.js";
import { runStudy, withDataOption, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface ConvergenceFlags {
  readonly data?: string;
  readonly full?: true;
  readonly epochs?: number;
  readonly examples?: number;
  readonly steps?: number;
}

/** The configuration that the flags ask for. */
function configure({ data, full: isFull, epochs, examples, steps }: ConvergenceFlags): ConvergenceConfiguration {
  const base = isFull ? full : quick;
  return {
    ...base,
    ...given({ data }),
    guarantee: { ...base.guarantee, ...given({ steps }) },
    learning: { ...base.learning, ...given({ epochs, train: examples }) },
  };
}

/** `study convergence`. */
export function convergenceCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("convergence").description(
    "softmax and Gaussian attention on real text: is convergence guaranteed, and does an encoder learn?",
  );
  return withDataOption(withTaskOptions(command))
    .option("--full", "the papers' scale, for a hardware adapter")
    .option("--steps <n>", "steps of gradient descent on the single layer", number(STEPS))
    .option("--epochs <n>", "epochs of the encoder", number(learningFields.epochs))
    .option("--examples <n>", "texts to train the encoder on", number(learningFields.train))
    .action(async (flags: ConvergenceFlags) => finish(await runStudy(convergence, configure(flags), command, terminal)));
}
