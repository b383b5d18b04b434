import type { Ansatz, AnsatzParameters } from "./ansatz.js";
import { shares, type Samples } from "./sampler.js";

/** The attention of one layer over draws of a wave function. */
export interface AttentionMap {
  /** Mean weight of every pair, [heads, n, n] row-major. */
  readonly mean: Float64Array;
  readonly heads: number;
  /** n, the number of patches. */
  readonly tokens: number;
  /** ρ = Σ Var(α_ij) / Σ mean(α_ij)², over heads and pairs: 0 where weights do not depend on the configuration. */
  readonly inputDependence: number;
}

/** Draws whose weights are averaged; more would only cost. */
const MOST_ROWS = 256;

/**
 * Mean attention weights and how much they depend on the input, for each layer, over draws from |ψ|².
 *
 * Source of the question: Rende & Viteritti, arXiv 2405.18874; ρ is this library's measure.
 */
export async function attentionMaps(ansatz: Ansatz, parameters: AnsatzParameters, samples: Samples): Promise<AttentionMap[]> {
  const { backend } = parameters.embedding.weight;
  const { sites } = ansatz.lattice;
  const rows = Math.min(MOST_ROWS, samples.spins.length / sites);
  const all = shares(samples, sites).subarray(0, rows);
  const total = all.reduce((a, b) => a + b, 0);
  const layers = backend.scope(() => ansatz.weights(parameters, ansatz.tokens(backend, samples.spins.subarray(0, rows * sites))));
  const maps: AttentionMap[] = [];
  for (const layer of layers) {
    const numbers = await layer.read();
    const [, heads, tokens] = layer.shape;
    layer.dispose();
    const size = heads * tokens * tokens;
    const mean = new Float64Array(size);
    for (let at = 0; at < numbers.length; at++) mean[at % size] += (all[Math.floor(at / size)] / total) * numbers[at];
    let variance = 0;
    for (let at = 0; at < numbers.length; at++) variance += (all[Math.floor(at / size)] / total) * (numbers[at] - mean[at % size]) ** 2;
    maps.push({ mean, heads, tokens, inputDependence: variance / mean.reduce((sum, value) => sum + value * value, 0) });
  }
  return maps;
}
