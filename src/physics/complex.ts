import { having } from "../core/kinds.js";

/** Complex numbers as two arrays of one length. */
export interface ComplexNumbers {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export const complex = having<ComplexNumbers>("complex numbers, { re, im }", ["re", "im"]);
