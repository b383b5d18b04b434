/** Rates of the device. */
export interface Rates {
  readonly copyGBs: number;
  readonly multiplyAddGFLOPs: number;
}

/** Milliseconds of a call. */
export interface Time {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** The least time that the rates allow, divided by the median; null where no rates or no formula is known. */
  readonly ofRoofline: number | null;
}

/** A kernel's row of the table. */
export interface Row {
  readonly kernel: string;
  /** Largest error against float64, relative to the largest number. */
  readonly error: number;
  /** Why nothing was timed. */
  readonly failed?: string;
  readonly forward?: Time;
  readonly forwardBackward?: Time;
}

export type Message =
  | { readonly kind: "device"; readonly name: string; readonly device: string; readonly timestamps: boolean }
  | { readonly kind: "rates"; readonly rates: Rates }
  | { readonly kind: "now"; readonly what: string }
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "end" };
