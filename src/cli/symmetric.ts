import { Command } from "commander";
import { quickSymmetric, type SymmetricConfiguration } from "../studies/symmetric/configuration.js";
import { symmetric } from "../studies/symmetric/study.js";
import { given, kernelNames, wholeNumber } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface SymmetricFlags {
  readonly data?: string;
  readonly kernels?: readonly string[];
  readonly seeds?: number;
  readonly epochs?: number;
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
  return withTaskOptions(command)
    .option("--data <file>", "your own texts: .csv with columns text and label, or .jsonl with those keys")
    .option("--kernels <names>", "kernels by name, with commas between; the first is what others are compared with", kernelNames)
    .option("--seeds <n>", "splits, starts, orders and masks", wholeNumber(1))
    .option("--epochs <n>", "epochs of every encoder", wholeNumber(1))
    .option("--windows <n>", "pieces of texts to train on, at most", wholeNumber(1))
    .option("--tokens <n>", "words of a piece", wholeNumber(2))
    .action(async (flags: SymmetricFlags) => finish(await runStudy(symmetric, configure(flags), command, terminal)));
}
