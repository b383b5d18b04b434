import { isTensor } from "./is-tensor.js";
import type { Backend, Tensor } from "./tensor.js";
import type { Random } from "./random.js";
import type { Shape } from "./shape.js";

/** What an argument or option must be. */
export interface Kind<Value> {
  /** For error messages, such as "a finite number above 0". */
  readonly wanted: string;
  readonly holds: (value: unknown) => value is Value;
  /** What the user can do about a value of another kind, as a sentence. */
  readonly fix?: string;
  /** Names of the option in other libraries, in lower case without underscores, with the equivalent here. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/* Kinds are pure, so that bundlers leave out those that a program does not use. */

/* @__NO_SIDE_EFFECTS__ */
function kind<Value>(wanted: string, holds: (value: unknown) => boolean, fix?: string): Kind<Value> {
  return { wanted, holds: holds as Kind<Value>["holds"], fix };
}

export const isPromise = (value: unknown): boolean =>
  typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";

/** Whether a value is a plain object: not an array, tensor, promise or function. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  describe(value) === OTHER_OBJECT && !ArrayBuffer.isView(value);

const isList = (value: unknown): value is ArrayLike<unknown> =>
  typeof value === "object" && value !== null && "length" in value && typeof value.length === "number";

/** Includes NaN and infinity: if they come from a computation, its result shows them. */
export const anyNumber = kind<number>("a number", (value) => typeof value === "number");
export const finite = kind<number>("a finite number", (value) => Number.isFinite(value));
export const positive = kind<number>(
  "a finite number above 0",
  (value) => Number.isFinite(value) && (value as number) > 0,
);
export const share = kind<number>(
  "a number from 0 to below 1",
  (value) => typeof value === "number" && value >= 0 && value < 1,
);
export const notNegative = kind<number>(
  "a finite number of at least 0",
  (value) => Number.isFinite(value) && (value as number) >= 0,
);
/* @__NO_SIDE_EFFECTS__ */
export function whole(least: number): Kind<number> {
  return kind(`a whole number of at least ${least}`, (value) => Number.isInteger(value) && (value as number) >= least);
}
export const wholeNumber = kind<number>("a whole number", (value) => Number.isInteger(value));
export const flag = kind<boolean>("true or false", (value) => typeof value === "boolean");
export const text = kind<string>("a text", (value) => typeof value === "string");
export const callable = kind<(...given: unknown[]) => never>("a function", (value) => typeof value === "function");
export const record = kind<Readonly<Record<string, never>>>("an object", isRecord);
export const tensor = kind<Tensor>("a tensor", isTensor, "A backend makes tensors: cpu.tensor(numbers, shape).");
export const shapeKind = kind<Shape>(
  "a shape, as an array of extents",
  (value) => isList(value) && Array.from(value).every((extent) => typeof extent === "number"),
);

/** An array or typed array whose elements have one kind. */
/* @__NO_SIDE_EFFECTS__ */
export function listOf<Value>(member: Kind<Value>, of = member.wanted): Kind<readonly Value[]> {
  return kind(`an array, each element ${of}`, (value) => isList(value) && Array.from(value).every(member.holds));
}

/** An array or typed array. Its elements are checked where they are used. */
export const numbers = kind<ArrayLike<number>>("an array of numbers", isList);

/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const Values extends readonly string[]>(...values: Values): Kind<Values[number]> {
  return kind(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.includes(value as string));
}

/** An object that has the given members. */
/* @__NO_SIDE_EFFECTS__ */
export function having<Value>(wanted: string, members: readonly (keyof Value & string)[], fix?: string): Kind<Value> {
  return kind(
    wanted,
    (value) => typeof value === "object" && value !== null && members.every((member) => member in value),
    fix,
  );
}

export const backend = having<Backend>(
  "a backend, as cpu or a Gpu",
  ["tensor", "full", "scope", "run"],
  "A Gpu comes from await requestGpu().",
);
export const generator = having<Random>("a random stream, as random(seed) gives", ["uniform", "normals"]);

/** The kind of an option that other libraries name otherwise. */
/* @__NO_SIDE_EFFECTS__ */
export const alias = <Value>(of: Kind<Value>, elsewhere: Kind<Value>["elsewhere"]): Kind<Value> => ({
  ...of,
  elsewhere,
});

/** The description of an object that is nothing more special. */
const OTHER_OBJECT = "another object";

/** A short description of a value for an error message. */
export function describe(value: unknown): string {
  const primitive = value as boolean | number | null | undefined;
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === "function") return "a function";
  if (Object(value) !== value) return value === undefined ? "nothing" : String(primitive);
  if (isTensor(value)) return `a tensor of shape [${value.shape.join(", ")}]`;
  if (isPromise(value)) return "a promise";
  if (!Array.isArray(value)) return OTHER_OBJECT;
  const isShort = value.length < 8 && value.every((member) => Object(member) !== member);
  return isShort ? `[${value.map(describe).join(", ")}]` : `an array of ${value.length}`;
}
