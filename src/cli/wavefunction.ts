import { Command, InvalidArgumentError } from "commander";
import { defaultsFor, type WavefunctionConfiguration } from "../studies/wavefunction/configuration.js";
import { wavefunction } from "../studies/wavefunction/study.js";
import { runStudy, wholeNumber, withStudyOptions } from "./study.js";
import type { Terminal } from "./terminal.js";

interface WavefunctionFlags {
  readonly side: number;
  readonly j2?: number;
  readonly width?: number;
  readonly heads?: number;
  readonly layers?: number;
  readonly seeds?: number;
  readonly steps?: number;
  readonly samples?: number;
}

function couplingOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Wanted a number.");
}

/** The configuration that the flags ask for. */
function configure({ side, j2, width, heads, layers, seeds, steps, samples }: WavefunctionFlags): WavefunctionConfiguration {
  const given = Object.entries({ j2, width, heads, layers, seeds, steps, samples }).filter(([, value]) => value !== undefined);
  return { ...defaultsFor(side), ...Object.fromEntries(given) };
}

/** `study wavefunction`. */
export function wavefunctionCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command("wavefunction").description(
    "factored against query-key attention as wave functions of the J1-J2 Heisenberg model: are queries and keys relevant?",
  );
  return withStudyOptions(command)
    .option("--side <n>", "sites along each axis; 4 is enumerated, above is sampled", wholeNumber(4), 4)
    .option("--j2 <x>", "J2 in units of J1", couplingOf)
    .option("--width <n>", "width of the transformer", wholeNumber(2))
    .option("--heads <n>", "heads of each layer", wholeNumber(1))
    .option("--layers <n>", "layers", wholeNumber(1))
    .option("--seeds <n>", "optimisations of each attention", wholeNumber(1))
    .option("--steps <n>", "steps of stochastic reconfiguration", wholeNumber(1))
    .option("--samples <n>", "draws a step, a multiple of the chains", wholeNumber(32))
    .action(async (flags: WavefunctionFlags) => finish(await runStudy(wavefunction, configure(flags), command, terminal)));
}
