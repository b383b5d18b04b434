import { Command } from "commander";
import { defaults, pottsFields } from "../studies/potts/configuration.js";
import { potts } from "../studies/potts/study.js";
import { number } from "./flags.js";
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
    .option("--sites <n>", "sites", number(pottsFields.sites), defaults.sites)
    .option("--colours <n>", "colours of a site", number(pottsFields.colours), defaults.colours)
    .option("--samples <n>", `configurations to learn from, at least ${defaults.batch}`, number({ ...pottsFields.samples, least: defaults.batch }), defaults.samples)
    .option("--epochs <n>", "passes over the samples", number(pottsFields.epochs), defaults.epochs)
    .action(async ({ sites, colours, samples, epochs }: PottsFlags) =>
      finish(await runStudy(potts, { ...defaults, sites, colours, samples, epochs }, command, terminal)),
    );
}
