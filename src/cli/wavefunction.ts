import { Command, InvalidArgumentError, Option } from "commander";
import { defaultsFor, projectionNames, samplingNames, type ProjectionName, type SamplingName, type WavefunctionConfiguration } from "../studies/wavefunction/configuration.js";
import { wavefunction } from "../studies/wavefunction/study.js";
import { given, wholeNumber } from "./flags.js";
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

function couplingOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Wanted a number.");
}

/** Numbers of patches. */
function lengthsOf(text: string): number[] {
  const lengths = text.split(",").map(Number);
  if (new Set(lengths).size === lengths.length && lengths.every((length) => Number.isInteger(length) && length >= 2)) return lengths;
  throw new InvalidArgumentError("Wanted different whole numbers from 2 on with commas between, such as 4,6,8.");
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
    .option("--side <n>", "sites along each axis of a square; 4 is summed over all configurations, above is sampled", wholeNumber(4), 4)
    .addOption(new Option("--chain <n>", "a ring of so many sites instead of a square").argParser(wholeNumber(4)).conflicts("side"))
    .option("--j2 <x>", "J2 in units of J1", couplingOf, 0.5)
    .option("--patch <n>", "sites of a patch along each axis", wholeNumber(1))
    .option("--width <n>", "width of the transformer", wholeNumber(2))
    .option("--heads <n>", "heads of each layer", wholeNumber(1))
    .option("--layers <n>", "layers", wholeNumber(1))
    .addOption(new Option("--projection <name>", "symmetries that the wave function is projected on").choices(projectionNames))
    .addOption(new Option("--sampling <name>", "how means over |ψ|² are made").choices(samplingNames))
    .option("--seeds <n>", "optimisations of each attention; 0 for --lengths alone", wholeNumber(0))
    .option("--steps <n>", "steps of stochastic reconfiguration", wholeNumber(1))
    .option("--samples <n>", "draws a step, a multiple of the chains", wholeNumber(32))
    .option("--lengths <list>", "then measure ρ of softmax attention on rings of so many patches, such as 4,6,8", lengthsOf)
    .option("--length-seeds <n>", "optimisations of each of these lengths", wholeNumber(1))
    .action(async (flags: WavefunctionFlags) => finish(await runStudy(wavefunction, configure(flags), command, terminal)));
}
