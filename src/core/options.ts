import { ArgumentError } from "./errors.js";
import { anyNumber, describe, isPromise, isRecord, record, type Kind } from "./kinds.js";
import { isTensor } from "./is-tensor.js";

/** The kind of an option that has no default. */
export interface Needed<Value> extends Kind<Value> {
  readonly needed: true;
}

/* @__NO_SIDE_EFFECTS__ */
export function needed<Value>(kind: Kind<Value>): Needed<Value> {
  return { ...kind, needed: true };
}

/** The kind of every option by name. The type of the options determines the names and which of them are needed. */
export type Kinds<Options> = {
  readonly [Name in keyof Options]-?: Record<never, never> extends Pick<Options, Name>
    ? Kind<Options[Name]>
    : Needed<Options[Name]>;
};

const plain = (name: string): string => name.toLowerCase().replaceAll("_", "");

/** Levenshtein distance: the fewest insertions, deletions and replacements. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, place) => place);
  for (let i = 1; i <= a.length; i++) {
    const last = row;
    row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
  }
  return row[b.length];
}

/**
 * The option that an unknown `name` probably means: its equivalent in other libraries, else the nearest name if it is
 * close enough.
 */
function suggestion(name: string, kinds: Readonly<Record<string, Kind<unknown>>>): string | undefined {
  const equivalents = Object.assign(
    {},
    ...Object.values(kinds).map(({ elsewhere }) => elsewhere),
  ) as Kind<unknown>["elsewhere"];
  const other = equivalents?.[plain(name)];
  if (other !== undefined) return other;
  const [nearest] = Object.keys(kinds)
    .map((option) => ({ option, far: distance(plain(name), plain(option)) }))
    .sort((a, b) => a.far - b.far);
  return nearest !== undefined && nearest.far <= 0.4 * Math.max(name.length, nearest.option.length)
    ? nearest.option
    : undefined;
}

function wayOut(value: unknown, kind: Kind<unknown>): string | undefined {
  if (isPromise(value)) return "Await it first.";
  if (isTensor(value) && kind.holds(1)) return "Read its number first: (await tensor.read())[0].";
  return kind.fix;
}

/** The error for an argument that is not of its kind. */
export const wrongKind = (where: string, argument: string, kind: Kind<unknown>, value: unknown): ArgumentError =>
  new ArgumentError({ where, argument, wanted: kind.wanted, got: describe(value), fix: wayOut(value, kind) });

/** Throws an `ArgumentError` for the first argument that is not of its kind. */
export function checkArguments<Given extends object>(
  where: string,
  given: Given,
  kinds: { readonly [Name in keyof Given]: Kind<unknown> },
): void {
  for (const name in kinds) {
    if (!kinds[name].holds(given[name])) throw wrongKind(where, name, kinds[name], given[name]);
  }
}

/**
 * Returns the options if each is known and of its kind. Throws an `ArgumentError` that suggests the nearest known name.
 * An undefined option counts as missing.
 */
export function checkOptions<Options extends object>(
  where: string,
  options: Options,
  kinds: Kinds<Options>,
  argument = "options",
): Options {
  if (!isRecord(options)) throw wrongKind(where, argument, record, options);
  const known = Object.keys(kinds);
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    const meant = suggestion(stranger, kinds);
    const wanted = known.length === 0 ? "no options" : `one of its options (${known.join(", ")})`;
    throw new ArgumentError({
      where,
      argument: stranger,
      wanted,
      got: "an unknown one",
      fix: meant && `Did you mean ${meant}?`,
    });
  }
  for (const [name, kind] of Object.entries<Kind<unknown>>(kinds)) {
    const value: unknown = options[name];
    if (value === undefined ? "needed" in kind : !kind.holds(value)) throw wrongKind(where, name, kind, value);
  }
  return options;
}

export const checkNumbers = (where: string, given: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(given))
    if (!anyNumber.holds(value)) throw wrongKind(where, name, anyNumber, value);
};
