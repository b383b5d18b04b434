import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { showJson } from "../core/json.js";
import { isRecord } from "../core/kinds.js";
import { rotaryFrequencies } from "../nn/rotary.js";
import { WHERE, type TransformerConfig } from "./model-facts.js";

/** Changes a frequency, in radians a position. */
type Scaling = (frequency: number) => number;

/** The scalings by their names in config.json; `of` reads one of their numbers. */
const scalings: Readonly<Record<string, (of: (name: string) => number) => Scaling>> = {
  default: () => (frequency) => frequency,
  /** Positions divided by a factor (Chen et al., arXiv 2306.15595). */
  linear(of) {
    const factor = of("factor");
    return (frequency) => frequency / factor;
  },
  /** Low frequencies are divided by a factor, high ones stay, and those between are mixed (Llama 3.1). */
  llama3(of) {
    const [factor, low, high] = [of("factor"), of("low_freq_factor"), of("high_freq_factor")];
    const length = of("original_max_position_embeddings");
    return (frequency) => {
      const turns = (length * frequency) / (2 * Math.PI); // within the original length
      const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return kept * frequency + ((1 - kept) * frequency) / factor;
    };
  },
};

/**
 * The rotary frequencies θ^(-2c/d) of a model, scaled as `rope_scaling` or `rope_parameters` in config.json says.
 *
 * @throws UnsupportedError for another scaling, ArgumentError for numbers that it lacks.
 */
export function scaledFrequencies(config: TransformerConfig, theta: number, dim: number): number[] {
  const name = config.rope_scaling == null ? "rope_parameters" : "rope_scaling";
  const given = config[name] ?? {};
  const type = isRecord(given) ? (given.rope_type ?? given.type ?? "default") : given;
  if (!isRecord(given) || typeof type !== "string" || !Object.hasOwn(scalings, type))
    throw new UnsupportedError({
      where: WHERE,
      argument: `config.${name}`,
      wanted: `rotary positions of type ${Object.keys(scalings).join(", ")}`,
      got: showJson(type),
    });
  const of = (key: string): number => {
    const value = given[key];
    if (typeof value === "number" && value > 0 && Number.isFinite(value)) return value;
    const argument = `config.${name}.${key}`;
    throw new ArgumentError({ where: WHERE, argument, wanted: "a number above 0", got: showJson(value ?? null) });
  };
  return rotaryFrequencies(theta, dim).map(scalings[type](of));
}
