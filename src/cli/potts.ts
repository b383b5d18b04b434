import { Command } from "commander";
import { defaults } from "../studies/potts/configuration.js";
import { potts } from "../studies/potts/study.js";
import { wholeNumber } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface PottsFlags {
  readonly sites: number;
  readonly colours: number;
  readonly samples: number;
  readonly epochs: number;
}

/** `study potts`. */
export function pottsCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("potts").description("one layer of attention learns a generalised Potts model: are its couplings recovered?");
  return withTaskOptions(command)
    .option("--sites <n>", "sites", wholeNumber(3), defaults.sites)
    .option("--colours <n>", "colours of a site", wholeNumber(2), defaults.colours)
    .option("--samples <n>", `configurations to learn from, at least ${defaults.batch}`, wholeNumber(defaults.batch), defaults.samples)
    .option("--epochs <n>", "passes over the samples", wholeNumber(1), defaults.epochs)
    .action(async ({ sites, colours, samples, epochs }: PottsFlags) =>
      finish(await runStudy(potts, { ...defaults, sites, colours, samples, epochs }, command, terminal)),
    );
}
