import { Command, Option } from "commander";
import { fullPathfinder, pathfinderFields, quickPathfinder, type PathfinderConfiguration } from "../studies/pathfinder/configuration.js";
import { difficulties, type Difficulty } from "../studies/pathfinder/difficulty.js";
import { pathfinder } from "../studies/pathfinder/study.js";
import { given, number } from "./flags.js";
import { runStudy, withComparisonOptions, type ComparisonFlags } from "./study.js";
import type { Terminal } from "./terminal.js";

interface PathfinderFlags extends ComparisonFlags {
  readonly full?: true;
  readonly draw?: true;
  readonly difficulty?: Difficulty;
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
  return withComparisonOptions(command, "pictures, starts and orders")
    .addOption(new Option("--difficulty <name>", "kind of pictures").choices(Object.keys(difficulties)))
    .option("--full", "the papers' scale, for a hardware adapter")
    .option("--draw", "draw samples of every kind, train nothing")
    .option("--examples <n>", "pictures to train on", number(pathfinderFields.train))
    .option("--patch <n>", "side of a patch in pixels", number(pathfinderFields.patch))
    .option("--without-landscape", "no loss landscapes")
    .action(async (flags: PathfinderFlags) => finish(await runStudy(pathfinder, configure(flags), command, terminal)));
}
