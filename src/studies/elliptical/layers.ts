import { mean } from "../../numerics/averages.js";
import { headDistance, meanCosine } from "../../analysis/redundancy.js";
import type { Indices } from "../../core/indices.js";
import { disposeTree, type Tensor } from "../../core/tensor.js";
import { attentionMap } from "../../kernels/attention-map.js";
import type { TiledKernel } from "../../kernels/kernel.js";
import type { Mask } from "../../kernels/mask.js";
import type { Encoder, EncoderParameters } from "../../nn/encoder.js";
import type { LayerMeasure } from "./measurements.js";

/** The mean of `of` over samples of `size` consecutive numbers. */
const meanOver = (
  data: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> },
  size: number,
  of: (own: ArrayLike<number>) => number,
): number => {
  return mean(
    Array.from({ length: data.length / size }, (_, sample) => of(data.subarray(sample * size, (sample + 1) * size))),
  );
};

/**
 * Mean cosines of tokens and of attention outputs, and head distance of every layer, over ids [texts, n] or features
 * [pictures, n, ·].
 */
export async function measureLayers(
  model: Encoder,
  kernel: TiledKernel,
  parameters: EncoderParameters,
  inputs: Indices | Tensor,
  mask?: Mask,
): Promise<LayerMeasure[]> {
  const { backend } = parameters.embedding;
  const observed = backend.scope(() => {
    const layers: { readonly tokens: Tensor; readonly attended: Tensor; readonly map: Tensor }[] = [];
    const options = mask === undefined ? {} : { mask };
    model.apply(parameters, inputs, {
      ...options,
      observe: (layer) =>
        layers.push({
          tokens: layer.tokens,
          attended: layer.attended,
          map: attentionMap(kernel, layer.inputs, options),
        }),
    });
    return layers;
  });
  const measures: LayerMeasure[] = [];
  for (const layer of observed) {
    const { tokens, attended, map } = layer;
    const [, n, width] = tokens.shape;
    const [, heads, queries, keys] = map.shape;
    const [rows, outputs, weights] = [await tokens.read(), await attended.read(), await map.read()];
    const cosine = (data: typeof rows): number => meanOver(data, n * width, (own) => meanCosine(own, n, width));
    measures.push({
      tokenCosine: cosine(rows),
      outputCosine: cosine(outputs),
      headDistance: meanOver(weights, heads * queries * keys, (own) => headDistance(own, heads, queries * keys)),
    });
    disposeTree(layer);
  }
  return measures;
}
