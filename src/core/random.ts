import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { ArgumentError } from "./errors.js";

/** A seeded stream of random numbers: the same seed gives the same stream on every machine. */
export interface Random {
  readonly seed: number;
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform whole number from 0 to `count - 1`. */
  integer(count: number): number;
  /** A shuffled copy. */
  shuffle<Item>(items: readonly Item[]): Item[];
  /** `count` normal numbers with standard deviation `scale`. */
  normals(count: number, scale?: number): Float64Array;
  /** The state of the stream: four 32-bit words. */
  state(): readonly number[];
  /** Continues from a state that `state()` returned. */
  restore(state: readonly number[]): void;
}

/**
 * The generator of a seed. pure-rand truncates seeds to 32 bits, so a larger seed gets an initial state that no other
 * seed has.
 */
function started(seed: number): ReturnType<typeof xoroshiro128plus> {
  const low = seed | 0;
  return low === seed
    ? xoroshiro128plus(seed)
    : xoroshiro128plusFromState([Math.floor(seed / 2 ** 32) | 0, ~low, low, 1]);
}

/**
 * A random stream from a whole-number seed (xoroshiro128+; normals by the Box-Muller transform). Different seeds give
 * different streams.
 *
 * @throws ArgumentError for a seed beyond ±2^53, where float64 no longer holds every whole number.
 * @example
 * const x = cpu.tensor(random(1).normals(6), [2, 3]);
 */
export function random(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new ArgumentError({
      where: "random",
      argument: "seed",
      wanted: "a whole number between -2^53 and 2^53",
      got: String(seed),
    });
  }
  let generator = started(seed);
  const uniform = (): number => uniformFloat64(generator);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const integer = (count: number): number => uniformInt(generator, 0, count - 1);
  return {
    seed,
    uniform,
    normal,
    integer,
    shuffle(items) {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
      }
      return shuffled;
    },
    normals: (count, scale = 1) => Float64Array.from({ length: count }, () => scale * normal()),
    state: () => generator.getState(),
    restore(state) {
      generator = xoroshiro128plusFromState(state);
    },
  };
}
