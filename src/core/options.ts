import { ArgumentError } from "./errors.js";
import { isTensor } from "./is-tensor.js";
import { anyNumber, describe, isPromise, isRecord, record, type Kind } from "./kinds.js";

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

type NamedKinds = Readonly<Record<string, Kind<unknown>>>;

const plain = (name: string): string => name.toLowerCase().replaceAll("_", "");

/** Whether at most so many insertions, deletions and replacements make one text of another. */
function isNear(a: string, b: string, edits: number): boolean {
  const [restOfA, restOfB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return a === b || isNear(restOfA, restOfB, edits);
  const left = edits - 1;
  return left >= 0 && (isNear(restOfA, b, left) || isNear(a, restOfB, left) || isNear(restOfA, restOfB, left));
}

/** What the user can do about a value that is not of its kind. */
function wayOut(kind: Kind<unknown>, value: unknown): string | undefined {
  if (isPromise(value)) return "Await it first.";
  if (isTensor(value) && kind.holds(1)) return "Read its number first: (await tensor.read())[0].";
  return kind.fix;
}

/** What is probably meant by a name: the equivalent of another library's option, else the nearest name. */
function suggestion(kinds: NamedKinds, name: string): string | undefined {
  const asked = plain(name);
  const elsewhere = Object.values(kinds).flatMap((kind) => kind.elsewhere?.[asked] ?? []);
  const near = [0, 1, 2, 3].flatMap((edits) =>
    Object.keys(kinds).filter((option) => edits <= 0.4 * option.length && isNear(asked, plain(option), edits)),
  );
  const [meant] = [...elsewhere, ...near];
  return meant && `Did you mean ${meant}?`;
}

/** The error for an argument that is not of its kind. */
export const wrongKind = (where: string, argument: string, kind: Kind<unknown>, value: unknown): ArgumentError =>
  new ArgumentError({ where, argument, wanted: kind.wanted, got: describe(value), fix: wayOut(kind, value) });

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

/** Ways out that an error names, of an unknown option and of a value that is not of its kind. */
interface WaysOut {
  readonly unknown: typeof suggestion;
  readonly wrong: typeof wayOut;
}

/**
 * `checkOptions` for functions with few options, of which a page may load one alone. Without `ways`, its errors list
 * the options but suggest none.
 */
export function checkFewOptions<Options extends object>(
  where: string,
  options: Options,
  kinds: Kinds<Options>,
  argument = "options",
  ways?: WaysOut,
): Options {
  const refuse = (name: string, kind: Kind<unknown>, value: unknown): ArgumentError =>
    new ArgumentError({
      where,
      argument: name,
      wanted: kind.wanted,
      got: describe(value),
      fix: ways ? ways.wrong(kind, value) : kind.fix,
    });
  if (!isRecord(options)) throw refuse(argument, record, options);
  for (const name in { ...options, ...kinds }) {
    const kind = Object.hasOwn(kinds, name) && (kinds as NamedKinds)[name];
    const value: unknown = options[name];
    if (!kind) {
      const known = Object.keys(kinds).join(", ");
      throw new ArgumentError({
        where,
        argument: name,
        wanted: known ? `one of its options (${known})` : "no options",
        got: "an unknown one",
        fix: ways?.unknown(kinds, name),
      });
    }
    if (value === undefined ? "needed" in kind : !kind.holds(value)) throw refuse(name, kind, value);
  }
  return options;
}

/**
 * Returns the options if each is known and of its kind. Throws an `ArgumentError` that suggests the nearest known name.
 * An undefined option counts as missing.
 */
export const checkOptions = <Options extends object>(
  where: string,
  options: Options,
  kinds: Kinds<Options>,
  argument?: string,
): Options => checkFewOptions(where, options, kinds, argument, { unknown: suggestion, wrong: wayOut });

export const checkNumbers = (where: string, given: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(given))
    if (!anyNumber.holds(value)) throw wrongKind(where, name, anyNumber, value);
};
