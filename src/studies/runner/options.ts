import * as schemas from "./schema.js";
import { rangeOf, violation, type NumberSchema, type Schema } from "./schema.js";

/** Command-line flag of an option. */
export interface Flag<Value> {
  /** Without dashes. Default: the name of the option. */
  readonly name?: string;
  /** Placeholder for the value in the help, such as "n". */
  readonly argument: string;
  readonly help: string;
  /** The accepted text, in words. */
  readonly wanted: string;
  /** The accepted numbers, for a flag of numbers. */
  readonly range?: NumberSchema;
  readonly choices?: readonly string[];
  /** Value of the flag's text; undefined if the text is not accepted. */
  parse(text: string): Value | undefined;
}

/** One option of a study. A command may give only one of its flags. */
export interface Option<Value> {
  readonly schema: Schema;
  readonly initial: Value;
  readonly flags: readonly Flag<Value>[];
}

/** Options of a study by name; groups may nest. */
export interface Declared {
  readonly [name: string]: Option<unknown> | Declared;
}

/** The values of declared options. */
export type Values<Options> = {
  readonly [Name in keyof Options]: Options[Name] extends Option<infer Value> ? Value : Values<Options[Name]>;
};

/** The values of some of the declared options. */
export type Chosen<Options> = {
  readonly [Name in keyof Options]?: Options[Name] extends Option<infer Value> ? Value : Chosen<Options[Name]>;
};

interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * Help and name of an option's flag. Without `help` the option has no flag; without `flag` the flag has the option's
 * name.
 */
interface Help {
  readonly help?: string;
  readonly flag?: string;
}

function withFlag<Value>(
  initial: Value,
  schema: Schema,
  { help, flag }: Help,
  own: Omit<Flag<Value>, "name" | "help">,
): Option<Value> {
  return {
    schema,
    initial,
    flags: help === undefined ? [] : [{ ...own, help, ...(flag === undefined ? {} : { name: flag }) }],
  };
}

function numberIn(text: string, range: NumberSchema): number | undefined {
  const value = Number(text);
  const isNumber = (range.whole ? /^\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i).test(text);
  return isNumber && violation(range, value, "") === undefined ? value : undefined;
}

/** A flag that takes a whole number; `to` converts it to the option's value. */
export function wholeFlag<Value>(
  name: string,
  { least, most }: Range,
  help: string,
  to: (value: number) => Value,
): Flag<Value> {
  const range = schemas.whole(least, most);
  const parse = (text: string): Value | undefined => {
    const value = numberIn(text, range);
    return value === undefined ? undefined : to(value);
  };
  return { name, argument: "n", help, wanted: rangeOf(range), range, parse };
}

function numberOption(initial: number, range: NumberSchema, help: Help): Option<number> {
  return withFlag(initial, range, help, {
    argument: range.whole ? "n" : "x",
    wanted: rangeOf(range),
    range,
    parse: (text) => numberIn(text, range),
  });
}

export const whole = (initial: number, { least, most, ...help }: Range & Help): Option<number> =>
  numberOption(initial, schemas.whole(least, most), help);

export const real = (initial: number, { least, most, ...help }: Range & Help): Option<number> =>
  numberOption(initial, schemas.real(least, most), help);

/** A whole number that may be absent. */
export function optionalWhole({ least, most, ...help }: Range & Help): Option<number | undefined> {
  const { schema, flags } = whole(least, { least, most, ...help });
  return { schema: schemas.optional(schema), initial: undefined, flags };
}

/** A text that may be absent, such as a file. */
export const optionalText = ({ argument, ...help }: Help & { readonly argument: string }): Option<string | undefined> =>
  withFlag(undefined as string | undefined, schemas.optional(schemas.text), help, {
    argument,
    wanted: "text",
    parse: (text) => text,
  });

/** One of the given words. */
export const oneOf = <const Name extends string>(
  initial: Name,
  among: readonly Name[],
  help: Help = {},
): Option<Name> =>
  withFlag(initial, schemas.oneOf(among), help, {
    argument: "name",
    wanted: `one of ${among.join(", ")}`,
    choices: among,
    parse: (text) => among.find((name) => name === text),
  });

/** Different kernel names, separated by commas; of `among`, where a study knows only these. */
export function kernelNames<Name extends string = string>(
  initial: readonly NoInfer<Name>[],
  help: string,
  among?: readonly Name[],
): Option<readonly Name[]> {
  const isName = (name: string): name is Name => (among === undefined ? name !== "" : among.includes(name as Name));
  const parse = (text: string): Name[] | undefined => {
    const names = text.split(",").map((name) => name.trim());
    return names.every(isName) && new Set(names).size === names.length ? names : undefined;
  };
  const wanted = `different names of kernels, separated by commas, such as ${among?.join(",") ?? "softmax,gaussian"}`;
  const name = among === undefined ? schemas.text : schemas.oneOf(among);
  const flag = { argument: "names", wanted, parse };
  return withFlag<readonly Name[]>(initial, schemas.list(name, 1, 64), { help, flag: "kernels" }, flag);
}

type ListRange = Range & Help & { readonly count: number };

/** Numbers separated by commas, of which an initial list has `fewest` at least. */
function numberList(
  initial: readonly number[],
  range: NumberSchema,
  { fewest, distinct }: { readonly fewest: number; readonly distinct: boolean },
  { count, ...help }: Omit<ListRange, keyof Range>,
): Option<readonly number[]> {
  const parse = (text: string): number[] | undefined => {
    const parts = text.split(",");
    const values = parts.flatMap((part) => numberIn(part, range) ?? []);
    return values.length === parts.length &&
      values.length <= count &&
      (!distinct || new Set(values).size === values.length)
      ? values
      : undefined;
  };
  const wanted = `1 to ${count} ${distinct ? "different " : ""}numbers, separated by commas, each ${rangeOf(range)}`;
  return withFlag<readonly number[]>(initial, schemas.list(range, fewest, count), help, {
    argument: "list",
    wanted,
    range,
    parse,
  });
}

/** At most `count` different whole numbers, separated by commas; the initial list may be empty. */
export const wholes = (initial: readonly number[], { least, most, ...rest }: ListRange): Option<readonly number[]> =>
  numberList(initial, schemas.whole(least, most), { fewest: 0, distinct: true }, rest);

/** One to `count` numbers, separated by commas; different ones, unless `repeated` allows others. */
export const reals = (
  initial: readonly number[],
  { least, most, repeated = false, ...rest }: ListRange & { readonly repeated?: boolean },
): Option<readonly number[]> =>
  numberList(initial, schemas.real(least, most), { fewest: 1, distinct: !repeated }, rest);

/** An option of any type with the given flags. */
export const setting = <Value>(initial: Value, schema: Schema, flags: readonly Flag<Value>[] = []): Option<Value> => ({
  schema,
  initial,
  flags,
});

const isOption = (entry: Option<unknown> | Declared): entry is Option<unknown> => "schema" in entry && "flags" in entry;

/** Schema of the options' values. */
export function schemaOf(options: Declared): Schema {
  return schemas.record(
    Object.fromEntries(
      Object.entries(options).map(([name, entry]) => [name, isOption(entry) ? entry.schema : schemaOf(entry)]),
    ),
  );
}

interface Leaf {
  readonly path: readonly string[];
  readonly option: Option<unknown>;
}

/** All options with their paths. */
const leavesOf = (options: Declared, path: readonly string[] = []): Leaf[] =>
  Object.entries(options).flatMap(([name, entry]) =>
    isOption(entry) ? [{ path: [...path, name], option: entry }] : leavesOf(entry, [...path, name]),
  );

/** The value at a path of a tree; undefined where there is none. */
export const valueAt = (tree: unknown, path: readonly string[]): unknown =>
  path.reduce((own, name) => (own as Record<string, unknown> | undefined)?.[name], tree);

const hasAt = (tree: unknown, path: readonly string[]): boolean =>
  Object.hasOwn((valueAt(tree, path.slice(0, -1)) as object | undefined) ?? {}, path[path.length - 1]);

function setAt(tree: Record<string, unknown>, [name, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) tree[name] = value;
  else setAt((tree[name] ??= {}) as Record<string, unknown>, rest, value);
}

/** Merges choices; later ones take precedence. */
function joined(options: Declared, choices: readonly unknown[]): Record<string, unknown> {
  const tree = {};
  for (const { path } of leavesOf(options)) {
    for (const choice of choices) if (hasAt(choice, path)) setAt(tree, path, valueAt(choice, path));
  }
  return tree;
}

/** The values of all options: from the last choice that sets an option, else its default. */
export function valuesOf<Options extends Declared>(
  options: Options,
  ...choices: readonly Chosen<Options>[]
): Values<Options> {
  const defaults = {};
  for (const { path, option } of leavesOf(options)) setAt(defaults, path, option.initial);
  return joined(options, [defaults, ...choices]) as Values<Options>;
}

/** A flag that sets several options at once. */
export interface Preset<Options> {
  readonly help: string;
  readonly options: Chosen<Options>;
}

/** The options that presets and `given` flags set; flags of single options take precedence. */
export function chosenBy<Options extends Declared>(
  options: Options,
  presets: readonly Preset<Options>[],
  given: ReadonlyMap<string, unknown>,
): Chosen<Options> {
  const single = {};
  for (const { name, places } of flagsOf(options))
    if (given.has(name)) for (const place of places) setAt(single, place, given.get(name));
  return joined(options, [...presets.map((preset) => preset.options), single]) as Chosen<Options>;
}

/** A flag of the command line and the options that it sets. */
export interface PlacedFlag {
  /** Without dashes. */
  readonly name: string;
  readonly flag: Flag<unknown>;
  /** Paths of its options; the help shows the default of the first. */
  readonly places: readonly (readonly string[])[];
  /** Other flags of the same option. */
  readonly conflicts: readonly string[];
}

/** Flag name of an option in kebab case, without leading dashes. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The flags of all options, in order. A flag that several options name sets all of them. */
export function flagsOf(options: Declared): PlacedFlag[] {
  const found = new Map<string, PlacedFlag>();
  for (const { path, option } of leavesOf(options)) {
    const names = option.flags.map((flag) => flag.name ?? dashed(path[path.length - 1]));
    names.forEach((name, index) => {
      const before = found.get(name);
      found.set(
        name,
        before
          ? { ...before, places: [...before.places, path] }
          : { name, flag: option.flags[index], places: [path], conflicts: names.filter((other) => other !== name) },
      );
    });
  }
  return [...found.values()];
}
