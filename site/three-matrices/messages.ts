import type { Condition } from "attention-kernels";
import type { LossCurve, PathCheck } from "attention-kernels/theory";

/** A certificate's bound of the loss from the step of its proof on. */
export interface Proof {
  readonly at: number;
  readonly theorem: "T1" | "T2";
  /** False: a constant was sampled, so that this is evidence. */
  readonly rigorous: boolean;
  readonly rate: number;
  readonly x: number[];
  readonly y: number[];
}

/** What is known before the first step. */
export interface Start {
  readonly conditions: Condition[];
  readonly initialLoss: number;
  /** The loss cannot fall below this, by T4. */
  readonly lossFloor: number | null;
  readonly reason: string;
  readonly stepSize: number;
  /** The loss of the model that is linear at the start. */
  readonly curve: { readonly kind: LossCurve["kind"]; readonly x: number[]; readonly y: number[] };
  readonly proof: Proof | null;
}

/** What is known after the last step. */
export interface End {
  readonly proof: Proof | null;
  readonly checks: PathCheck[];
  readonly reason: string;
}

export type Message =
  | { readonly kind: "start"; readonly start: Start }
  | { readonly kind: "losses"; readonly losses: number[] }
  | { readonly kind: "end"; readonly end: End };
