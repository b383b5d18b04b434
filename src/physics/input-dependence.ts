import { checkArguments } from "../core/options.js";
import { spreadOver } from "../numerics/spread.js";
import { ansatzKind, ansatzParameters, type Ansatz } from "./ansatz.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import { samplesKind, type Samples } from "./sampler.js";

/** Mean attention of one layer over draws of a wave function. */
export interface AttentionMap {
  /** Mean weight of every pair, [heads, n, n] row-major. */
  readonly mean: Float64Array;
  readonly heads: number;
  /** n, the number of patches. */
  readonly tokens: number;
  /** ρ = Σ Var(α_ij) / Σ mean(α_ij)² over heads and pairs; 0 if weights do not depend on the configuration. */
  readonly inputDependence: number;
}

/** Most draws whose weights are averaged; more add little. A sum over all configurations uses every one. */
const MOST_DRAWS = 256;
/** Configurations that the ansatz evaluates at once. */
const AT_ONCE = 4096;

/** The attention weights of every layer for rows of spins, [rows, heads, n, n]. */
async function weightsOf(ansatz: Ansatz, parameters: AnsatzParameters, spins: Int8Array): Promise<Float64Array[]> {
  const { backend } = parameters.embedding.weight;
  const { sites } = ansatz.lattice;
  const rows = spins.length / sites;
  const layers: Float64Array[] = [];
  for (let start = 0; start < rows; start += AT_ONCE) {
    const parts = backend.scope(() =>
      ansatz.weights(parameters, spins.subarray(start * sites, (start + AT_ONCE) * sites)),
    );
    for (const [layer, part] of parts.entries()) {
      const size = part.size / part.shape[0];
      layers[layer] ??= new Float64Array(rows * size);
      layers[layer].set(await part.read(), start * size);
    }
    for (const part of parts) part.dispose();
  }
  return layers;
}

/**
 * The configurations to average over, with their shares: all of a sum, or a limited number of draws spread over the
 * chains.
 */
function looked(
  { spins, order, weights }: Samples,
  sites: number,
): { readonly spins: Int8Array; readonly shares: Float64Array } {
  if (weights !== undefined) return { spins, shares: weights };
  const count = Math.min(MOST_DRAWS, order.length);
  const chosen = new Int8Array(count * sites);
  for (let place = 0; place < count; place++) {
    const row = order[Math.floor((place * order.length) / count)];
    chosen.set(spins.subarray(row * sites, (row + 1) * sites), place * sites);
  }
  return { spins: chosen, shares: new Float64Array(count).fill(1 / count) };
}

/**
 * Mean attention weights of each layer of `ansatz` with these `parameters` over |ψ|², from `samples` of it, and how
 * much they depend on the input. For a projected ψ the transformer is evaluated on the configurations themselves,
 * whose images are equally likely.
 *
 * Source of the question: Rende & Viteritti, arXiv 2405.18874; ρ is this library's measure.
 *
 * @example
 * const maps = await attentionMaps(model, parameters, await sampler(logAmplitude, 256)); // one a layer
 */
export async function attentionMaps(
  ansatz: Ansatz,
  parameters: AnsatzParameters,
  samples: Samples,
): Promise<AttentionMap[]> {
  checkArguments(
    "attentionMaps",
    { ansatz, parameters, samples },
    { ansatz: ansatzKind, parameters: ansatzParameters, samples: samplesKind },
  );
  const {
    heads,
    lattice: { sites },
  } = ansatz;
  const { spins, shares } = looked(samples, sites);
  const layers = await weightsOf(ansatz, parameters, spins);
  return layers.map((numbers) => {
    const { mean, variance, squares } = spreadOver(numbers, shares);
    return { mean, heads, tokens: Math.sqrt(mean.length / heads), inputDependence: variance / squares };
  });
}
