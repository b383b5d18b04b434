import { Command } from "commander";
import { quickSymmetric, symmetricFields, type SymmetricConfiguration } from "../studies/symmetric/configuration.js";
import { symmetric } from "../studies/symmetric/study.js";
import { given, number } from "./flags.js";
import { runStudy, withComparisonOptions, withDataOption, type ComparisonFlags } from "./study.js";
import type { Terminal } from "./terminal.js";

interface SymmetricFlags extends ComparisonFlags {
  readonly data?: string;
  readonly windows?: number;
  readonly tokens?: number;
}

/** The configuration that the flags ask for. */
function configure({ data, kernels, seeds, epochs, windows, tokens }: SymmetricFlags): SymmetricConfiguration {
  return { ...quickSymmetric, ...given({ data, kernels, seeds, epochs, train: windows, tokens }) };
}

/** `study symmetric`. */
export function symmetricCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("symmetric").description("masked words with dot-product, symmetric and pairwise attention: how many steps to the same loss?");
  return withDataOption(withComparisonOptions(command, "splits, starts, orders and masks"))
    .option("--windows <n>", "pieces of texts to train on, at most", number(symmetricFields.train))
    .option("--tokens <n>", "words of a piece", number(symmetricFields.tokens))
    .action(async (flags: SymmetricFlags) => finish(await runStudy(symmetric, configure(flags), command, terminal)));
}
