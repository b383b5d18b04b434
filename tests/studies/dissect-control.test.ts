import { expect, it } from "vitest";
import { meanCosineNoise } from "../../src/analysis/cosine-noise.js";
import { dissectHead, summarizeCosines } from "../../src/analysis/dissection.js";
import { randomProjections } from "../../src/studies/dissect/layers.js";

const SEEDS = 400;
/** 5 % of the seeds and three standard deviations of their number. */
const MOST_OUTSIDE = SEEDS * 0.05 + 3 * Math.sqrt(SEEDS * 0.05 * 0.95);

it.each([
  [24, 1, 1, 24],
  [32, 4, 4, 8],
  [32, 4, 2, 8],
  [48, 2, 1, 8],
])(
  "the control of width %i, %i heads, %i of keys, %i columns each, leaves its band for 5 %% of the seeds at most",
  (width, heads, keyHeads, dim) => {
    const outside = { plain: 0, weighted: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const [query, key] = randomProjections({ label: "0", width, heads, keyHeads, dim }, seed);
      const dissected = Array.from({ length: heads }, (_, head) => {
        const shared = Math.floor((head * keyHeads) / heads);
        return dissectHead(query.slice(head * dim, (head + 1) * dim), key.slice(shared * dim, (shared + 1) * dim));
      });
      const { squaredWeights, ...means } = summarizeCosines(dissected);
      for (const kind of ["plain", "weighted"] as const)
        if (Math.abs(means[kind]) > meanCosineNoise(width, squaredWeights[kind])) outside[kind]++;
    }
    for (const count of Object.values(outside)) {
      expect(count).toBeLessThanOrEqual(MOST_OUTSIDE);
      expect(count).toBeGreaterThan(0); // the band is no wider than it says
    }
  },
);
