import { Command, Option } from "commander";
import { defaultsFor, LENGTH, projectionNames, samplingNames, type ProjectionName, type SamplingName, wavefunctionFields, type WavefunctionConfiguration } from "../studies/wavefunction/configuration.js";
import { whole } from "../studies/runner/schema.js";
import { wavefunction } from "../studies/wavefunction/study.js";
import { given, number, numbers } from "./flags.js";
import { runStudy, withTaskOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface WavefunctionFlags {
  readonly side: number;
  readonly chain?: number;
  readonly j2: number;
  readonly patch?: number;
  readonly width?: number;
  readonly heads?: number;
  readonly layers?: number;
  readonly projection?: ProjectionName;
  readonly sampling?: SamplingName;
  readonly seeds?: number;
  readonly steps?: number;
  readonly samples?: number;
  readonly lengths?: readonly number[];
  readonly lengthSeeds?: number;
}

/** The configuration that the flags ask for. */
function configure({ side, chain, j2, ...rest }: WavefunctionFlags): WavefunctionConfiguration {
  const { patch, width, heads, layers, projection, sampling, seeds, steps, samples, lengths, lengthSeeds } = rest;
  const lengthChoice = given({ projection, sampling, samples });
  return {
    ...defaultsFor(chain === undefined ? [side, side] : [chain], j2),
    ...given({ patch, width, heads, layers, seeds, steps, lengths, lengthSeeds }),
    ...lengthChoice,
    ...(lengths === undefined ? {} : { lengthChoice }),
  };
}

/** `study wavefunction`. */
export function wavefunctionCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("wavefunction").description(
    "factored against query-key attention as wave functions of the J1-J2 Heisenberg model: are queries and keys relevant?",
  );
  return withTaskOptions(command)
    .option("--side <n>", "sites along each axis of a square; 4 is summed over all configurations, above is sampled", number(whole(4, 32)), 4)
    .addOption(new Option("--chain <n>", "a ring of so many sites instead of a square").argParser(number(whole(4, 1024))).conflicts("side"))
    .option("--j2 <x>", "J2 in units of J1", number(wavefunctionFields.j2), 0.5)
    .option("--patch <n>", "sites of a patch along each axis", number(wavefunctionFields.patch))
    .option("--width <n>", "width of the transformer", number(wavefunctionFields.width))
    .option("--heads <n>", "heads of each layer", number(wavefunctionFields.heads))
    .option("--layers <n>", "layers", number(wavefunctionFields.layers))
    .addOption(new Option("--projection <name>", "symmetries that the wave function is projected on").choices(projectionNames))
    .addOption(new Option("--sampling <name>", "how means over |ψ|² are made").choices(samplingNames))
    .option("--seeds <n>", "optimisations of each attention; 0 for --lengths alone", number(wavefunctionFields.seeds))
    .option("--steps <n>", "steps of stochastic reconfiguration", number(wavefunctionFields.steps))
    .option("--samples <n>", "draws a step, a multiple of the chains", number({ ...wavefunctionFields.samples, least: 32 }))
    .option("--lengths <list>", "then measure ρ of softmax attention on rings of so many patches, such as 4,6,8", numbers(LENGTH, wavefunctionFields.lengths.most))
    .option("--length-seeds <n>", "optimisations of each of these lengths", number(wavefunctionFields.lengthSeeds))
    .action(async (flags: WavefunctionFlags) => finish(await runStudy(wavefunction, configure(flags), command, terminal)));
}
