import { Command, Option } from "commander";
import { dissectFields } from "../studies/dissect/configuration.js";
import { dissect } from "../studies/dissect/study.js";
import { given, number } from "./flags.js";
import { runStudy, withPlaceOptions, withResume } from "./study.js";
import type { Terminal } from "./terminal.js";

const DEFAULT_MODES = 4;

interface DissectFlags {
  readonly heads?: number;
  readonly prefix?: string;
  readonly inputs?: string;
  readonly modes: number;
}

/** `analyze dissect`. */
export function dissectCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("dissect").description("singular modes of W_qᵀW_k in every head of a stored model: do tokens attend to what is like them?");
  command
    .argument("<model>", "a .safetensors file of BERT, RoBERTa, ViT or DeiT, its index of shards, or the folder")
    .option("--heads <n>", "heads of a layer; default: config.json beside the model, else 64 columns a head", number(dissectFields.heads))
    .option("--prefix <text>", 'which encoder, where a file has several: what its names begin with, such as "bert."')
    .option("--inputs <file>", "a .safetensors file with tokens hidden_states.<layer> [n, width], to draw the modes' attention maps on")
    .option("--modes <n>", "modes drawn of each layer", number(dissectFields.modes), DEFAULT_MODES);
  return withResume(withPlaceOptions(command, "the random layer for comparison"))
    .addOption(new Option("--backend <name>", "float64 on the CPU alone").choices(["cpu"]).default("cpu").hideHelp())
    .allowExcessArguments(false)
    .action(async (model: string, { heads, prefix, inputs, modes }: DissectFlags) => {
      const configuration = { model, modes, ...given({ heads, prefix, inputs }) };
      finish(await runStudy(dissect, configuration, command, terminal));
    });
}
