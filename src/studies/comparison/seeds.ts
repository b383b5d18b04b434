/** The seeds of a comparison, counted up from the study's seed. */
export const seedsOf = (first: number, { seeds }: { readonly seeds: number }): number[] =>
  Array.from({ length: seeds }, (_, index) => first + index);

/** Caches the latest value of `make`, because the tasks of a seed follow each other. */
export function latest<Value>(make: (seed: number) => Value): (seed: number) => Value {
  let known: { readonly seed: number; readonly value: Value } | undefined;
  return (seed) => (known?.seed === seed ? known : (known = { seed, value: make(seed) })).value;
}

/** One value of every seed, in order of appearance. */
export const bySeed = <Result extends { readonly run: { readonly seed: number } }, Value>(
  done: readonly Result[],
  of: (result: Result) => Value,
): Value[] => [...new Map(done.map((result) => [result.run.seed, of(result)])).values()];
