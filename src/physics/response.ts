import { ArgumentError } from "../core/errors.js";
import { indices, indicesKind, type Indices } from "../core/indices.js";
import { having, record, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { tensorsIn, type ParameterTree } from "../core/tensor.js";
import { dot } from "../numerics/vectors.js";
import type { Predictor } from "./masked-prediction.js";
import { centre, type PairResponse } from "./recovery.js";

/** Rows that a predictor evaluates at once, times sites²: an encoder reads a row once for every site. */
const TOKENS_AT_ONCE = 50_000;

/**
 * How the logits of a `predictor` with its `parameters` respond to the colours of other sites. In each of `contexts`
 * [rows, sites] site j gets every colour b in turn; the logits of the colours a at the sites i, centred over a and b,
 * are the response. It does not depend on the gauge of the logits. The response of a Potts model is J_ij U_ab, U
 * centred, in every context.
 */
export async function pairResponse<Parameters extends ParameterTree>(
  predictor: Predictor<Parameters>,
  parameters: Parameters,
  contexts: Indices,
  colours: number,
): Promise<PairResponse> {
  checkArguments(
    "pairResponse",
    { predictor, parameters, contexts, colours },
    {
      predictor: having<Predictor<Parameters>>("a predictor, as factoredPredictor() gives", ["logits"]),
      parameters: record,
      contexts: indicesKind,
      colours: whole(1),
    },
  );
  const [rows, sites] = contexts.shape;
  const [first] = tensorsIn(parameters);
  if (first === undefined)
    throw new ArgumentError({
      where: "pairResponse",
      argument: "parameters",
      wanted: "the predictor's parameters",
      got: "no tensor",
    });
  const { backend } = first;
  const mean = new Float64Array(sites ** 2 * colours ** 2);
  const block = new Float64Array(colours ** 2);
  let squares = 0;
  // A group is a context and a site j: one row for every colour of j.
  const groups = rows * sites;
  const size = Math.max(1, Math.floor(TOKENS_AT_ONCE / (colours * sites ** 2)));
  for (let start = 0; start < groups; start += size) {
    const count = Math.min(size, groups - start);
    const changed = new Int32Array(count * colours * sites);
    for (let row = 0; row < count * colours; row++) {
      const group = start + Math.floor(row / colours);
      const context = Math.floor(group / sites);
      changed.set(contexts.values.subarray(context * sites, (context + 1) * sites), row * sites);
      changed[row * sites + (group % sites)] = row % colours;
    }
    const tensor = backend.scope(() => predictor.logits(parameters, indices(changed, [count * colours, sites])));
    const logits = await tensor.read();
    tensor.dispose();
    for (let group = 0; group < count; group++) {
      const j = (start + group) % sites;
      for (let i = 0; i < sites; i++) {
        if (i === j) continue;
        for (let a = 0; a < colours; a++) {
          for (let b = 0; b < colours; b++)
            block[a * colours + b] = logits[((group * colours + b) * sites + i) * colours + a];
        }
        centre(block, colours);
        squares += dot(block, block) / rows;
        const place = (i * sites + j) * block.length;
        block.forEach((value, at) => (mean[place + at] += value / rows));
      }
    }
  }
  return { mean, squares };
}
