import { ArgumentError } from "../core/errors.js";

/** Throws unless an option that was given is a finite number above 0. */
export function checkPositive(where: string, argument: string, value: number | undefined): void {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return;
  throw new ArgumentError({ where, argument, wanted: "a finite number above 0", got: String(value) });
}
