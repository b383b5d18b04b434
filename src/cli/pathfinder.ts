import { Command, Option } from "commander";
import { fullPathfinder, quickPathfinder, type PathfinderConfiguration } from "../studies/pathfinder/configuration.js";
import { difficulties, type Difficulty } from "../studies/pathfinder/difficulty.js";
import { pathfinder } from "../studies/pathfinder/study.js";
import { given, kernelNames, wholeNumber } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface PathfinderFlags {
  readonly full?: true;
  readonly draw?: true;
  readonly difficulty?: Difficulty;
  readonly kernels?: readonly string[];
  readonly seeds?: number;
  readonly epochs?: number;
  readonly examples?: number;
  readonly patch?: number;
  readonly withoutLandscape?: true;
}

/** The configuration that the flags ask for. */
function configure({ full, draw, difficulty, kernels, seeds, epochs, examples, patch, withoutLandscape }: PathfinderFlags): PathfinderConfiguration {
  const { landscape: planes, ...base } = full ? fullPathfinder : quickPathfinder;
  return {
    ...base,
    ...given({ difficulty, picture: difficulty && difficulties[difficulty] }),
    ...given({ kernels, seeds: draw ? 0 : seeds, epochs, train: examples, patch }),
    ...(withoutLandscape ? {} : { landscape: planes }),
  };
}

/** `study pathfinder`. */
export function pathfinderCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("pathfinder").description("an encoder on pictures: are two dots on one dashed path? Kernel against kernel, and the loss around what they learn");
  return withTaskOptions(command)
    .addOption(new Option("--difficulty <name>", "kind of pictures").choices(Object.keys(difficulties)))
    .option("--full", "the papers' scale, for a hardware adapter")
    .option("--draw", "draw samples of every kind, train nothing")
    .option("--kernels <names>", "kernels by name, with commas between; the first is what others are compared with", kernelNames)
    .option("--seeds <n>", "pictures, starts and orders", wholeNumber(1))
    .option("--epochs <n>", "epochs of every encoder", wholeNumber(1))
    .option("--examples <n>", "pictures to train on", wholeNumber(8))
    .option("--patch <n>", "side of a patch in pixels", wholeNumber(1))
    .option("--without-landscape", "no loss landscapes")
    .action(async (flags: PathfinderFlags) => finish(await runStudy(pathfinder, configure(flags), command, terminal)));
}
