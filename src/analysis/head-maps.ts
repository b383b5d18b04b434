import { add, matmul, multiply } from "../autograd/ops.js";
import { ArgumentError } from "../core/errors.js";
import type { Indices } from "../core/indices.js";
import { callable, having, listOf, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { tensorsIn, type Tensor } from "../core/tensor.js";
import { unitResponse } from "../kernels/attention-map.js";
import { repeatHeads } from "../kernels/heads.js";
import { lengths as lengthsMask } from "../kernels/mask.js";
import { parameterTree, type ModelCall, type ModelParameters, type TransformerModel } from "../nn/model.js";

/** Inputs of a model, with the number of tokens of each that count where that differs. */
export interface MapInputs {
  readonly input: Indices | Tensor;
  readonly lengths?: readonly number[];
}

/** The attention of a head over inputs. */
export interface MeanHead {
  /** ρ = Σ Var(α_ij) / Σ mean(α_ij)² over pairs; 0 if the weights do not depend on the input. */
  readonly dependence: number;
  /** The mean weight of every pair, [n, n] row-major, or of every offset j - i from -(n - 1) to n - 1. */
  readonly mean: Float64Array;
  /** The mean sum of a row of weights: 1 for a row-normalised kernel. */
  readonly rowSum: number;
}

/** Mean attention maps of a model over inputs, as `headMaps` returns them. */
export interface HeadMaps {
  /** Whether means are those of pairs of positions or of offsets, for inputs of different lengths. */
  readonly by: "position" | "offset";
  /** n, special tokens included. */
  readonly tokens: number;
  /** By layer and head. */
  readonly layers: readonly (readonly MeanHead[])[];
}

/** Sums over inputs, by head and class of pair. */
interface Sums {
  readonly heads: number;
  readonly tokens: number;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly squares: Float64Array;
  rows: number;
}

const classOf = (by: HeadMaps["by"], tokens: number, i: number, j: number): number =>
  by === "position" ? i * tokens + j : j - i + tokens - 1;
const classesOf = (by: HeadMaps["by"], tokens: number): number =>
  by === "position" ? tokens * tokens : 2 * tokens - 1;

function collect(sums: Sums, by: HeadMaps["by"], weights: ArrayLike<number>, lengths: readonly number[]): void {
  const { heads, tokens, count, sum, squares } = sums;
  const classes = classesOf(by, tokens);
  lengths.forEach((length, entry) => {
    sums.rows += length;
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < length; i++)
        for (let j = 0; j < length; j++) {
          const weight = weights[((entry * heads + head) * tokens + i) * tokens + j];
          const at = head * classes + classOf(by, tokens, i, j);
          count[at]++;
          sum[at] += weight;
          squares[at] += weight * weight;
        }
  });
}

function meanHead({ count, sum, squares, rows }: Sums, classes: number, head: number): MeanHead {
  const mean = new Float64Array(classes);
  let [variance, power, total] = [0, 0, 0];
  for (let place = 0; place < classes; place++) {
    const at = head * classes + place;
    if (count[at] === 0) continue;
    mean[place] = sum[at] / count[at];
    power += count[at] * mean[place] ** 2;
    variance += Math.max(0, squares[at] - count[at] * mean[place] ** 2);
    total += sum[at];
  }
  return { dependence: power === 0 ? 0 : variance / power, mean, rowSum: total / rows };
}

const modelKind = having<TransformerModel>("a model, as loadTransformer gives", ["apply", "kernels"]);
const inputsKind = listOf(having<MapInputs>("an object with input", ["input"]), "inputs");

/** The call of a model on inputs of which some tokens are padding. */
export const paddedCall = ({ lengths }: MapInputs): Pick<ModelCall, "mask"> =>
  lengths === undefined ? {} : { mask: lengthsMask({ keys: lengths }) };

/**
 * Mean attention maps of every head of `model` over `inputs`, and how much they depend on the input.
 *
 * Inputs with `lengths` are averaged by offset j - i, others, which must have one length, by position.
 *
 * Source of the question: Rende & Viteritti, arXiv 2405.18874; ρ is this library's measure.
 *
 * @param parameters those of the model, `model.parameters`
 * @throws ArgumentError for no inputs, inputs of different shapes, or some with lengths and others without.
 * @example
 * const maps = await headMaps(model, model.parameters, [{ input: ids }]);
 * maps.layers.map((heads) => heads.map(({ dependence }) => dependence));
 */
export async function headMaps(
  model: TransformerModel,
  parameters: ModelParameters,
  inputs: readonly MapInputs[],
): Promise<HeadMaps> {
  checkArguments(
    "headMaps",
    { model, parameters, inputs },
    { model: modelKind, parameters: parameterTree, inputs: inputsKind },
  );
  const by = inputs.some(({ lengths }) => lengths !== undefined) ? "offset" : "position";
  if (inputs.length === 0 || inputs.some(({ lengths }) => (lengths === undefined) !== (by === "position"))) {
    throw new ArgumentError({
      where: "headMaps",
      argument: "inputs",
      wanted: "at least one, and lengths for all or none",
      got: inputs.length === 0 ? "none" : "lengths for some",
    });
  }
  const layers: Sums[] = [];
  for (const own of inputs) {
    const maps: Tensor[] = [];
    const [{ backend }] = tensorsIn(parameters);
    const made = backend.scope(() => {
      model.encode(parameters, own.input, {
        ...paddedCall(own),
        observe: ({ kernel, inputs: given, options }) => void maps.push(unitResponse(kernel, given, options)),
      });
      return maps;
    });
    for (const [layer, map] of made.entries()) {
      const [batch, heads, tokens] = map.shape;
      const size = heads * classesOf(by, tokens);
      layers[layer] ??= {
        heads,
        tokens,
        count: new Float64Array(size),
        sum: new Float64Array(size),
        squares: new Float64Array(size),
        rows: 0,
      };
      if (layers[layer].tokens !== tokens) {
        throw new ArgumentError({
          where: "headMaps",
          argument: "inputs",
          wanted: `inputs of ${layers[layer].tokens} tokens, as the first`,
          got: String(tokens),
          fix: "Pad them to one length, and give their lengths.",
        });
      }
      collect(layers[layer], by, await map.read(), own.lengths ?? new Array<number>(batch).fill(tokens));
      map.dispose();
    }
  }
  const { tokens } = layers[0];
  const classes = classesOf(by, tokens);
  return {
    by,
    tokens,
    layers: layers.map((sums) => Array.from({ length: sums.heads }, (_, head) => meanHead(sums, classes, head))),
  };
}

/** The mean map of a head for an input of `length` tokens, padded to `tokens`: [tokens, tokens]. */
function mapFor({ by, tokens }: HeadMaps, { mean, rowSum }: MeanHead, length: number): Float64Array {
  const map = new Float64Array(tokens * tokens);
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let j = 0; j < length; j++) sum += map[i * tokens + j] = mean[classOf(by, tokens, i, j)];
    // the ends of an input cut offsets off
    if (by === "offset" && sum !== 0) for (let j = 0; j < length; j++) map[i * tokens + j] *= rowSum / sum;
  }
  return map;
}

/**
 * Replaces the attention maps of some heads by their means, for the option `replaceHeads` of a model's call.
 *
 * @param maps what `headMaps` gave
 * @param isFrozen whether a head of a layer, both counted from 0, is replaced
 * @param lengths the number of tokens of every input that count, for maps by offset
 * @example
 * const logits = model.apply(model.parameters, ids, { replaceHeads: freezeHeads(maps, (layer) => layer === 0) });
 */
export function freezeHeads(
  maps: HeadMaps,
  isFrozen: (layer: number, head: number) => boolean,
  lengths?: readonly number[],
): NonNullable<ModelCall["replaceHeads"]> {
  checkArguments(
    "freezeHeads",
    { maps, isFrozen },
    { maps: having<HeadMaps>("what headMaps gives", ["layers", "by"]), isFrozen: callable },
  );
  if (lengths !== undefined) checkArguments("freezeHeads", { lengths }, { lengths: listOf(whole(0)) });
  const { tokens } = maps;
  return (layer, { v }, output) => {
    const heads = maps.layers[layer];
    const frozen = heads.map((_, head) => (isFrozen(layer, head) ? 1 : 0));
    if (!frozen.includes(1)) return output;
    const entries = lengths ?? [tokens];
    const numbers = new Float64Array(entries.length * heads.length * tokens * tokens);
    entries.forEach((length, entry) =>
      heads.forEach((head, at) => {
        if (frozen[at] === 1) numbers.set(mapFor(maps, head, length), (entry * heads.length + at) * tokens * tokens);
      }),
    );
    const { backend } = v;
    const fixed = matmul(
      backend.tensor(numbers, [entries.length, heads.length, tokens, tokens]),
      repeatHeads(v, heads.length),
    );
    if (!frozen.includes(0)) return fixed;
    const kept = backend.tensor(
      frozen.map((one) => 1 - one),
      [1, heads.length, 1, 1],
    );
    return add(fixed, multiply(output, kept));
  };
}
