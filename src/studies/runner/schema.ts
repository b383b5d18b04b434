/** A number from `least` to `most`. */
export interface NumberSchema {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

/** Describes the valid values of a field of a file; schemas nest. */
export type Schema =
  | NumberSchema
  | { readonly kind: "anything" }
  | { readonly kind: "flag" }
  | { readonly kind: "text"; readonly among?: readonly string[] }
  | { readonly kind: "list"; readonly item: Schema; readonly least: number; readonly most: number }
  /** Fields of any name. */
  | { readonly kind: "map"; readonly item: Schema }
  /** Fields of these names and no others. */
  | { readonly kind: "record"; readonly fields: Readonly<Record<string, Schema>> }
  | { readonly kind: "optional"; readonly of: Schema };

/** Whole numbers. */
export const whole = (least: number, most: number): NumberSchema => ({ kind: "number", least, most, whole: true });
/** Real numbers. */
export const real = (least: number, most: number): NumberSchema => ({ kind: "number", least, most, whole: false });
export const text: Schema = { kind: "text" };
export const anything: Schema = { kind: "anything" };
export const flag: Schema = { kind: "flag" };
export const oneOf = (among: readonly string[]): Schema => ({ kind: "text", among });
export const list = (item: Schema, least: number, most: number): Extract<Schema, { kind: "list" }> => ({
  kind: "list",
  item,
  least,
  most,
});
export const map = (item: Schema): Schema => ({ kind: "map", item });
export const optional = (of: Schema): Schema => ({ kind: "optional", of });

/** A schema for each field of a type. */
export type Fields<Value> = { readonly [Name in keyof Value]-?: Schema };

export const record = (fields: Readonly<Record<string, Schema>>): Schema => ({ kind: "record", fields });

/** Where a value violates its schema. */
export interface Violation {
  /** Path from the root, such as "configuration.kernels[2]". */
  readonly path: string;
  readonly wanted: string;
  readonly got: string;
}

/** Most characters shown of a wrong value. */
const SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

/** The range of a number schema in words. */
export const rangeOf = ({ least, most, whole: isWhole }: NumberSchema): string =>
  `a ${isWhole ? "whole " : ""}number from ${least} to ${most}`;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function firstOf<Item>(items: Iterable<Item>, look: (item: Item) => Violation | undefined): Violation | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first violation of a schema; undefined for a valid value. */
export function violation(schema: Schema, value: unknown, path: string): Violation | undefined {
  const unless = (isRight: boolean, wanted: string): Violation | undefined =>
    isRight ? undefined : { path, wanted, got: shown(value) };
  switch (schema.kind) {
    case "number":
      return unless(
        typeof value === "number" &&
          value >= schema.least &&
          value <= schema.most &&
          (!schema.whole || Number.isInteger(value)),
        rangeOf(schema),
      );
    case "anything":
      return undefined;
    case "flag":
      return unless(typeof value === "boolean", "true or false");
    case "text":
      return unless(
        typeof value === "string" && (schema.among?.includes(value) ?? true),
        schema.among === undefined ? "text" : `one of ${schema.among.join(", ")}`,
      );
    case "optional":
      return value === undefined ? undefined : violation(schema.of, value, path);
    case "list": {
      const { item, least, most } = schema;
      if (!Array.isArray(value) || value.length < least || value.length > most)
        return unless(false, `a list of ${least} to ${most}`);
      return firstOf(value.entries(), ([place, own]) => violation(item, own, `${path}[${place}]`));
    }
    case "map":
      return isObject(value)
        ? firstOf(Object.entries(value), ([name, own]) => violation(schema.item, own, `${path}.${name}`))
        : unless(false, "fields");
    case "record": {
      if (!isObject(value)) return unless(false, `fields ${Object.keys(schema.fields).join(", ")}`);
      const missed = firstOf(Object.entries(schema.fields), ([name, own]) =>
        violation(own, Object.hasOwn(value, name) ? value[name] : undefined, `${path}.${name}`),
      );
      return (
        missed ??
        firstOf(Object.keys(value), (name) =>
          Object.hasOwn(schema.fields, name)
            ? undefined
            : { path: `${path}.${name}`, wanted: "no such field", got: shown(value[name]) },
        )
      );
    }
  }
}
