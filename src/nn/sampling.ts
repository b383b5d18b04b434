import { ArgumentError, NonFiniteError } from "../core/errors.js";
import type { Random } from "../core/random.js";

interface SamplingOptions {
  readonly temperature: number;
  readonly topK?: number;
  readonly random?: Random;
}

/** Draws the index of one of the logits: softmax(logits / temperature) over the `topK` largest. */
export function sampleFrom({ temperature, topK, random }: SamplingOptions): (logits: ArrayLike<number>) => number {
  if (temperature > 0 && random === undefined) {
    throw new ArgumentError({
      where: "decoder.generate",
      argument: "random",
      wanted: "a random stream, which draws the tokens",
      got: "nothing",
      fix: "Pass random(seed), or temperature 0 for the likeliest token.",
    });
  }
  return (logits) => {
    const order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b);
    const wrong = order.find((id) => !Number.isFinite(logits[id]));
    if (wrong !== undefined) {
      throw new NonFiniteError({
        where: "decoder.generate",
        wanted: "finite logits",
        got: `${logits[wrong]} for id ${wrong}`,
        fix: "Check that training has not diverged.",
      });
    }
    if (temperature === 0 || random === undefined) return order[0];
    const kept = order.slice(0, topK);
    const weights = kept.map((id) => Math.exp((logits[id] - logits[kept[0]]) / temperature));
    let rest = random.uniform() * weights.reduce((a, b) => a + b);
    const drawn = weights.findIndex((weight) => (rest -= weight) < 0);
    return kept[drawn === -1 ? kept.length - 1 : drawn];
  };
}
