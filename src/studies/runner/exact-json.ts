/** Key that marks a number that JSON cannot hold; no study has a field of this name. */
const MARK = "$number";

function isMarked(value: unknown): value is { readonly [MARK]: string } {
  return typeof value === "object" && value !== null && MARK in value;
}

function replace(_: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return { [MARK]: Object.is(value, -0) ? "-0" : String(value) };
}

/** JSON that preserves every number bit for bit, including -0, NaN and the infinities. */
export const toExactJson = (value: unknown): string => JSON.stringify(value, replace);

/** The inverse of `toExactJson`. */
export const fromExactJson = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => (isMarked(value) ? Number(value[MARK]) : value));
