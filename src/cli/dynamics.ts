import { Command } from "commander";
import { quickDynamics } from "../studies/dynamics/configuration.js";
import { dynamics } from "../studies/dynamics/study.js";
import { runStudy, wholeNumber, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface DynamicsFlags {
  readonly seeds?: number;
  readonly steps?: number;
  readonly kernels?: string;
}

/** `study dynamics`. */
export function dynamicsCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("dynamics").description("gradient descent on every subset of W^Q, W^K, W^V: what converges, and how fast?");
  return withTaskOptions(command)
    .option("--seeds <n>", "random problems for every kernel and subset", wholeNumber(1))
    .option("--steps <n>", "steps of gradient descent at most", wholeNumber(1))
    .option("--kernels <names>", "kernels by name, with commas between")
    .action(async ({ seeds, steps, kernels }: DynamicsFlags) => {
      const configuration = {
        ...quickDynamics,
        ...(seeds === undefined ? {} : { seeds }),
        ...(steps === undefined ? {} : { steps }),
        ...(kernels === undefined ? {} : { kernels: kernels.split(",") }),
      };
      finish(await runStudy(dynamics, configuration, command, terminal));
    });
}
