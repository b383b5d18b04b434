/** Complex numbers as two arrays of one length. */
export interface ComplexNumbers {
  readonly re: Float64Array;
  readonly im: Float64Array;
}
