import { Command } from "commander";
import { experimentFields, quickDynamics, type DynamicsConfiguration, type Experiment } from "../studies/dynamics/configuration.js";
import { dynamics } from "../studies/dynamics/study.js";
import { given, kernelNames, number } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface DynamicsFlags {
  readonly seeds?: number;
  readonly steps?: number;
  readonly kernels?: readonly string[];
}

/** The configuration that the flags ask for, in every experiment. */
function configure({ seeds, steps, kernels }: DynamicsFlags): DynamicsConfiguration {
  const change = (experiment: Experiment): Experiment => ({ ...experiment, ...given({ seeds, steps, kernels }) });
  const { matrices, equalValues, valueScale } = quickDynamics.experiments;
  return { ...quickDynamics, experiments: { matrices: change(matrices), equalValues: change(equalValues), valueScale: change(valueScale) } };
}

/** `study dynamics`. */
export function dynamicsCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("dynamics").description("gradient descent on every subset of W^Q, W^K, W^V: what converges, and how fast?");
  return withTaskOptions(command)
    .option("--seeds <n>", "random problems for every kernel and subset", number(experimentFields.seeds))
    .option("--steps <n>", "steps of gradient descent at most", number(experimentFields.steps))
    .option("--kernels <names>", "kernels by name, with commas between", kernelNames)
    .action(async (flags: DynamicsFlags) => finish(await runStudy(dynamics, configure(flags), command, terminal)));
}
