import { EPOCHS } from "../limits.js";
import { real, whole, type Fields } from "../runner/schema.js";

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

export const pottsFields = {
  sites: whole(3, 200),
  colours: whole(2, 100),
  samples: whole(1, 1_000_000),
  batch: whole(1, 100_000),
  epochs: EPOCHS,
  restarts: whole(1, 3),
  learningRate: real(0, 1000),
} as const satisfies Fields<PottsConfiguration>;

/** Bytes, at least, of the logarithms of p that the loss over all samples takes, in float32. */
export const pottsBytes = ({ sites, colours, samples }: PottsConfiguration): number => 4 * samples * sites * colours;

/** The sizes at which recovery is judged; about a minute on two cores. */
export const defaults: PottsConfiguration = { sites: 10, colours: 5, samples: 20_000, batch: 1000, epochs: 10, restarts: 3, learningRate: 0.03 };
