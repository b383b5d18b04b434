import { Command } from "commander";
import { fullText, quickText, type TextConfiguration } from "../studies/text/configuration.js";
import { text } from "../studies/text/study.js";
import { given, kernelNames, wholeNumber } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface TextFlags {
  readonly data?: string;
  readonly full?: true;
  readonly kernels?: readonly string[];
  readonly seeds?: number;
  readonly epochs?: number;
  readonly examples?: number;
  readonly tokens?: number;
}

/** The configuration that the flags ask for. */
function configure({ data, full, kernels, seeds, epochs, examples, tokens }: TextFlags): TextConfiguration {
  return { ...(full ? fullText : quickText), ...given({ data, kernels, seeds, epochs, train: examples, tokens }) };
}

/** `study text`. */
export function textCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("text").description("an encoder on real text by stochastic gradient descent, kernel against kernel over seeds");
  return withTaskOptions(command)
    .option("--data <file>", "your own texts: .csv with columns text and label, or .jsonl with those keys")
    .option("--full", "sequences of up to 4,096 bytes, for a hardware adapter")
    .option("--kernels <names>", "kernels by name, with commas between; the first is what others are compared with", kernelNames)
    .option("--seeds <n>", "splits, starts and orders", wholeNumber(1))
    .option("--epochs <n>", "epochs of every encoder", wholeNumber(1))
    .option("--examples <n>", "texts to train on", wholeNumber(8))
    .option("--tokens <n>", "words or bytes of a text", wholeNumber(1))
    .action(async (flags: TextFlags) => finish(await runStudy(text, configure(flags), command, terminal)));
}
