import { Command } from "commander";
import { quickElliptical, type EllipticalConfiguration } from "../studies/elliptical/configuration.js";
import { elliptical } from "../studies/elliptical/study.js";
import { EXAMPLES, windowFields } from "../studies/limits.js";
import { given, number } from "./flags.js";
import { runStudy, withComparisonOptions, withDataOption, type ComparisonFlags } from "./study.js";
import type { Terminal } from "./terminal.js";

interface EllipticalFlags extends ComparisonFlags {
  readonly data?: string;
  readonly examples?: number;
  readonly tokens?: number;
}

/** The configuration that the flags ask for. */
function configure({ data, kernels, seeds, epochs, examples, tokens }: EllipticalFlags): EllipticalConfiguration {
  const { text, language } = quickElliptical;
  const change = given({ epochs, train: examples });
  return { ...quickElliptical, ...given({ data, kernels, seeds }), text: { ...text, ...change }, language: { ...language, ...change, ...given({ tokens }) } };
}

/** `study elliptical`. */
export function ellipticalCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("elliptical").description("dot-product, elliptical and Mahalanobis attention on contaminated texts: accuracy, perplexity, collapse, redundancy");
  return withDataOption(withComparisonOptions(command, "splits, starts, orders and contaminations"))
    .option("--examples <n>", "texts and windows to train on", number(EXAMPLES))
    .option("--tokens <n>", "words of a window in which next words are predicted", number(windowFields.tokens))
    .action(async (flags: EllipticalFlags) => finish(await runStudy(elliptical, configure(flags), command, terminal)));
}
