import { InvalidArgumentError } from "commander";
import { rangeOf, violation, type NumberSchema } from "../studies/runner/schema.js";

/** Parses one number or several; `range` says of what sizes. */
type NumberParser<Value> = ((text: string) => Value) & { readonly range: NumberSchema };

function numberIn(text: string, range: NumberSchema): number | undefined {
  const value = Number(text);
  const isNumber = (range.whole ? /^\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i).test(text);
  return isNumber && violation(range, value, "") === undefined ? value : undefined;
}

/** Parses a number of a range; commander reports what it throws. */
export function number(range: NumberSchema): NumberParser<number> {
  const parse = (text: string): number => {
    const value = numberIn(text, range);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`Wanted ${rangeOf(range)}.`);
  };
  return Object.assign(parse, { range });
}

/** Parses different numbers of a range with commas between, `most` of them at most. */
export function numbers(range: NumberSchema, most: number): NumberParser<number[]> {
  const parse = (text: string): number[] => {
    const values = text.split(",").flatMap((part) => numberIn(part, range) ?? []);
    if (values.length === text.split(",").length && values.length <= most && new Set(values).size === values.length) return values;
    throw new InvalidArgumentError(`Wanted 1 to ${most} different numbers with commas between, each ${rangeOf(range)}.`);
  };
  return Object.assign(parse, { range });
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
