import { crossEntropy, embedding, permute, reshape } from "../autograd/ops.js";
import { indices, indicesKind, type Indices } from "../core/indices.js";
import { having, record, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import { booleanMask } from "../kernels/boolean-mask.js";
import { factored } from "../kernels/factored.js";
import type { Mask } from "../kernels/mask.js";
import type { Encoder, EncoderParameters } from "../nn/encoder.js";
import { normal } from "../nn/initialize.js";

/** A model that predicts the colour of every site from the colours of all other sites. */
export interface Predictor<Parameters> {
  initialize(backend: Backend, random: Random): Parameters;
  /**
   * Maps colours [rows, sites] to logits [rows, sites, colours]. The logits of a site do not depend on its own colour.
   */
  logits(parameters: Parameters, colours: Indices): Tensor;
}

/**
 * The mean cross entropy of every site of `colours` [rows, sites] given the others, by a `predictor` with its
 * `parameters`, in nats: the negative pseudo-log-likelihood divided by sites · rows.
 */
export function maskedLoss<Parameters>(
  predictor: Predictor<Parameters>,
  parameters: Parameters,
  colours: Indices,
): Tensor {
  checkArguments(
    "maskedLoss",
    { predictor, parameters, colours },
    {
      predictor: having<Predictor<Parameters>>("a predictor, as factoredPredictor() gives", ["logits"]),
      parameters: record,
      colours: indicesKind,
    },
  );
  return crossEntropy(predictor.logits(parameters, colours), colours);
}

/** The mask of a masked site: every pair of different sites. */
function othersOnly(sites: number): Mask {
  return booleanMask(
    Uint8Array.from({ length: sites * sites }, (_, pair) => (pair % (sites + 1) === 0 ? 0 : 1)),
    [1, 1, sites, sites],
  );
}

/** Looks up a row of `values` for every site, as one head: [rows, 1, sites, width]. */
function valuesOf(values: Tensor, colours: Indices): Tensor {
  const [rows, sites] = colours.shape;
  return reshape(embedding(permute(values, [1, 0]), colours), [rows, 1, sites, -1]);
}

/** Parameters of a `factoredPredictor`. */
export type FactoredPredictorParameters = {
  /** A [1, sites, sites]; the diagonal is not used. */
  readonly positions: Tensor;
  /** V [colours, colours]; column s holds the values of colour s. */
  readonly values: Tensor;
};

/**
 * One layer of factored attention over `sites` sites of `colours` colours: logits_i = Σ_{j≠i} A_ij V e_{s_j}. With
 * A = J and V = U its softmax is the exact conditional of the Potts model. Source: Rende, Gerace, Laio & Goldt,
 * arXiv 2304.07235.
 *
 * @example
 * const predictor = factoredPredictor(20, 4);
 * const parameters = predictor.initialize(cpu, random(1));
 * const loss = maskedLoss(predictor, parameters, gibbsSamples(model, 1000, random(2)));
 */
export function factoredPredictor(sites: number, colours: number): Predictor<FactoredPredictorParameters> {
  checkArguments("factoredPredictor", { sites, colours }, { sites: whole(1), colours: whole(1) });
  const kernel = factored();
  const mask = othersOnly(sites);
  return {
    initialize: (backend, random) => ({
      positions: normal(backend, random, [1, sites, sites], 1 / Math.sqrt(sites)),
      values: normal(backend, random, [colours, colours], 1 / Math.sqrt(colours)),
    }),
    logits({ positions, values }, colourings) {
      const v = valuesOf(values, colourings);
      return reshape(attention(kernel, { q: v, k: v, v, positions }, { mask }), [-1, sites, colours]);
    },
  };
}

/**
 * A predictor that is an off-the-shelf transformer: `model` reads every row once for each site, with that site masked.
 * Its classes are the colours, its tokens the sites, and its vocabulary has one id more, the mask.
 *
 * @example
 * const model = encoder({ kernel: softmax(), vocabulary: 5, classes: 4, tokens: 20, layers: 3 });
 * const predictor = encoderPredictor(model, 4);
 */
export function encoderPredictor(model: Encoder, colours: number): Predictor<EncoderParameters> {
  checkArguments(
    "encoderPredictor",
    { model, colours },
    { model: having<Encoder>("an encoder, as encoder() gives", ["initialize", "tokenLogits"]), colours: whole(1) },
  );
  return {
    initialize: (backend, random) => model.initialize(backend, random),
    logits(parameters, { values, shape: [rows, sites] }) {
      const masked = new Int32Array(rows * sites * sites);
      const places = new Int32Array(rows * sites);
      for (let sequence = 0; sequence < rows * sites; sequence++) {
        const row = Math.floor(sequence / sites);
        places[sequence] = sequence * sites + (sequence % sites);
        masked.set(values.subarray(row * sites, (row + 1) * sites), sequence * sites);
        masked[places[sequence]] = colours;
      }
      const logits = model.tokenLogits(parameters, indices(masked, [rows * sites, sites]), indices(places));
      return reshape(logits, [rows, sites, colours]);
    },
  };
}

/** `size` rows of colours in the order of a permutation, from position `start` on. */
export function batchOf(
  { values, shape: [, sites] }: Indices,
  order: readonly number[],
  start: number,
  size: number,
): Indices {
  const chosen = order.slice(start, start + size);
  const data = new Int32Array(chosen.length * sites);
  chosen.forEach((row, place) => data.set(values.subarray(row * sites, (row + 1) * sites), place * sites));
  return indices(data, [chosen.length, sites]);
}
