import { InvalidArgumentError } from "commander";

/** Parses a whole number of at least `least`; commander reports what it throws. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= 0x7fffffff) return value;
    throw new InvalidArgumentError(`Wanted a whole number from ${least} to ${0x7fffffff}.`);
  };
}

/** Parses "softmax, gaussian". */
export function kernelNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "") && new Set(names).size === names.length) return names;
  throw new InvalidArgumentError("Wanted different names of kernels with commas between, such as softmax,gaussian.");
}

/** The flags that were given: what is spread over defaults must not hold `undefined`. */
export function given<Flags extends object>(flags: Flags): { readonly [Name in keyof Flags]?: Exclude<Flags[Name], undefined> } {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as { [Name in keyof Flags]?: Exclude<Flags[Name], undefined> };
}
