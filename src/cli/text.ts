import { Command } from "commander";
import { fullText, quickText, textFields, type TextConfiguration } from "../studies/text/configuration.js";
import { text } from "../studies/text/study.js";
import { given, number } from "./flags.js";
import { runStudy, withComparisonOptions, withDataOption, type ComparisonFlags } from "./study.js";
import type { Terminal } from "./terminal.js";

interface TextFlags extends ComparisonFlags {
  readonly data?: string;
  readonly full?: true;
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
  return withDataOption(withComparisonOptions(command, "splits, starts and orders"))
    .option("--full", "sequences of up to 4,096 bytes, for a hardware adapter")
    .option("--examples <n>", "texts to train on", number(textFields.train))
    .option("--tokens <n>", "words or bytes of a text", number(textFields.tokens))
    .action(async (flags: TextFlags) => finish(await runStudy(text, configure(flags), command, terminal)));
}
