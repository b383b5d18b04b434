/** What one layer of attention learned. */
export interface PottsRun {
  readonly attention: "factored" | "softmax";
  /** Cross entropy of each batch before its step, in nats a site. */
  readonly losses: readonly number[];
  readonly parameters: number;
  readonly secondsPerStep: number;
  /** For the pairs i < j: J of norm 1, or for softmax the mean attention weight. */
  readonly couplings: readonly number[];
  readonly couplingCorrelation: number;
  /** With |J|, where weights are positive. */
  readonly absoluteCorrelation?: number;
  readonly interactionCorrelation: number;
}

export interface PottsMeasurements {
  /** J of the pairs i < j, of norm 1. */
  readonly truth: readonly number[];
  /** The loss of the true model over all samples. */
  readonly trueLoss: number;
  readonly runs: readonly PottsRun[];
}
