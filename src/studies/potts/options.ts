import { HEADS, WIDTH } from "../options.js";
import { real, reals, whole, wholes, type Values } from "../runner/options.js";

export const pottsOptions = {
  seeds: whole(5, { least: 1, most: 1000, help: "models, each with samples and starts of its own" }),
  layers: wholes([1, 2, 3], { least: 1, most: 16, count: 16, help: "layers of the encoders with softmax" }),
  sites: whole(6, { least: 3, most: 64, help: "sites" }),
  colours: whole(4, { least: 2, most: 32, help: "colours of a site" }),
  samples: whole(20_000, { least: 1, most: 1_000_000, help: "configurations to learn from" }),
  /** Configurations for the held-out loss. */
  test: whole(2000, { least: 1, most: 1_000_000 }),
  /** Held-out configurations in which responses are measured. */
  contexts: whole(100, { least: 1, most: 1_000_000 }),
  width: whole(16, WIDTH),
  hidden: whole(32, WIDTH),
  heads: whole(2, { ...HEADS, help: "heads of a layer of the encoders" }),
  batch: whole(64, { least: 1, most: 100_000 }),
  epochs: whole(2, { least: 1, most: 10_000, help: "passes over the samples" }),
  restarts: whole(3, { least: 1, most: 100, help: "starts of the factored layer, of which the best counts" }),
  factoredRate: real(0.03, { least: 0, most: 1000, help: "learning rate of the factored layer" }),
  encoderRates: reals([0.003, 0.003, 0.01], {
    least: 0,
    most: 1000,
    count: 16,
    repeated: true,
    help: "learning rates of encoders with 1, 2, ... layers; deeper ones take the last",
  }),
};

export type PottsOptions = Values<typeof pottsOptions>;
