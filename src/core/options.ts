import { ArgumentError } from "./errors.js";
import { anyNumber, describe, isRecord, record, type Kind } from "./kinds.js";

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

/** Asks for what a name probably means: the equivalent of another library's option, else the nearest name. */
function suggestion(name: string, kinds: NamedKinds): string | undefined {
  const asked = plain(name);
  const elsewhere = Object.values(kinds).flatMap((kind) => kind.elsewhere?.[asked] ?? []);
  const near = [0, 1, 2, 3].flatMap((edits) =>
    Object.keys(kinds).filter((name) => edits <= 0.4 * name.length && isNear(asked, plain(name), edits)),
  );
  const [meant] = [...elsewhere, ...near];
  return meant && `Did you mean ${meant}?`;
}

/** The error for an argument that is not of its kind. */
export const wrongKind = (
  where: string,
  argument: string,
  { wanted, fix }: Pick<Kind<unknown>, "wanted" | "fix">,
  value: unknown,
  got = describe(value),
): ArgumentError => new ArgumentError({ where, argument, wanted, got, fix });

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

/** `checkOptions` for functions with few options, which a page may load alone: it lists them, and suggests none. */
export function checkFewOptions<Options extends object>(
  where: string,
  options: Options,
  kinds: Kinds<Options>,
  argument = "options",
  suggest?: (name: string, kinds: NamedKinds) => string | undefined,
): Options {
  if (!isRecord(options)) throw wrongKind(where, argument, record, options);
  for (const name in { ...options, ...kinds }) {
    const kind = Object.hasOwn(kinds, name) && (kinds as NamedKinds)[name];
    const value: unknown = options[name];
    if (!kind) {
      const known = Object.keys(kinds).join(", ");
      const wanted = known ? `one of its options (${known})` : "no options";
      throw wrongKind(where, name, { wanted, fix: suggest?.(name, kinds) }, value, "an unknown one");
    }
    if (value === undefined ? "needed" in kind : !kind.holds(value)) throw wrongKind(where, name, kind, value);
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
): Options => checkFewOptions(where, options, kinds, argument, suggestion);

export const checkNumbers = (where: string, given: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(given))
    if (!anyNumber.holds(value)) throw wrongKind(where, name, anyNumber, value);
};
