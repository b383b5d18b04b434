export interface PottsConfiguration {
  readonly sites: number;
  readonly colours: number;
  /** Configurations drawn by Gibbs sampling. */
  readonly samples: number;
  readonly batch: number;
  readonly epochs: number;
  /** Times that each layer is trained, from weights of its own; the one of lowest loss counts, as the loss has local minima. */
  readonly restarts: number;
  readonly learningRate: number;
}

/** The sizes at which recovery is judged; about a minute on two cores. */
export const defaults: PottsConfiguration = { sites: 10, colours: 5, samples: 20_000, batch: 1000, epochs: 10, restarts: 3, learningRate: 0.03 };
