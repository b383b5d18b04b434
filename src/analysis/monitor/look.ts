import { tensorsIn, type ParameterTree, type Tensor } from "../../core/tensor.js";
import { unitResponse } from "../../kernels/attention-map.js";
import { densify } from "../../kernels/resolve-mask.js";
import type { AttentionTrace } from "../../nn/multi-head.js";
import type { Maps } from "./maps.js";
import type { ProjectionName } from "./records.js";

/**
 * A layer as a model shows it; a transformer also shows the tokens that the projections read, after the norm if it
 * stands first, and those that the whole layer returns.
 */
export type ObservedLayer = AttentionTrace & { readonly entering?: Tensor; readonly tokens?: Tensor };

/**
 * A model that can be observed: `apply` calls `observe` for every layer with attention, as `encoder`, `decoder` and
 * `multiHead` do, and any model built of them that hands `observe` on.
 */
export interface ObservableModel<Parameters extends ParameterTree, Input> {
  apply(
    parameters: Parameters,
    input: Input,
    call?: { readonly observe?: (layer: ObservedLayer) => void },
  ): Tensor | readonly Tensor[];
}

/** The numbers of a layer on the probe. */
export interface LayerNumbers {
  readonly trace: ObservedLayer;
  readonly maps?: Maps;
  /** The numbers of its projections, as far as it has them. */
  readonly projections: Readonly<Partial<Record<ProjectionName, ArrayLike<number>>>>;
  readonly values: Maps["weights"];
  readonly stream: ArrayLike<number>;
  readonly attended: ArrayLike<number>;
  readonly tokens: ArrayLike<number>;
}

export const projectionNames = ["query", "key", "value", "output"] as const satisfies readonly ProjectionName[];

/** A reader that reads every tensor once. */
export type Reader = (tensor: Tensor) => Promise<Float32Array | Float64Array>;

export function reader(): Reader {
  const known = new Map<Tensor, Promise<Float32Array | Float64Array>>();
  return (tensor) => {
    const own = known.get(tensor) ?? tensor.read();
    known.set(tensor, own);
    return own;
  };
}

/** Whether the output is linear in the values, so that the response to unit vectors is the weights. */
function isLinear(once: ArrayLike<number>, twice: ArrayLike<number> | undefined): boolean {
  if (twice === undefined) return true;
  const largest = Array.from(twice).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Array.from(twice).every(
    (value, at) => Number.isNaN(value) || Math.abs(value - 2 * once[at]) <= 1e-4 * largest,
  );
}

function mapsOf({ options: { mask } }: ObservedLayer, weights: Maps["weights"], shape: readonly number[]): Maps {
  const [batch, heads, queries, keys] = shape;
  const maps = { weights, batch, heads, queries, keys };
  if (mask === undefined) return maps;
  const dense = densify(mask, maps);
  const [batches, ownHeads, rows, columns] = dense.shape;
  const at = (place: number, extent: number): number => (extent === 1 ? 0 : place);
  return {
    ...maps,
    seen: (b, h, i, j) =>
      dense.seen[((at(b, batches) * ownHeads + at(h, ownHeads)) * rows + at(i, rows)) * columns + at(j, columns)] === 1,
  };
}

/**
 * Runs the model on the probe and reads what its layers did. All reads are queued when the call returns, so that a
 * later step of training does not change them.
 */
export function lookAt<Parameters extends ParameterTree, Input>(
  model: ObservableModel<Parameters, Input>,
  parameters: Parameters,
  input: Input,
  call: object,
  read: Reader,
): Promise<readonly LayerNumbers[]> {
  const [first] = tensorsIn(parameters);
  const seen = first.backend.scope(() => {
    const layers: { readonly trace: ObservedLayer; readonly map: Tensor; readonly twice?: Tensor }[] = [];
    model.apply(parameters, input, {
      ...call,
      observe: (trace) =>
        layers.push({
          trace,
          map: unitResponse(trace.kernel, trace.inputs, trace.options),
          ...("compose" in trace.kernel ? { twice: unitResponse(trace.kernel, trace.inputs, trace.options, 2) } : {}),
        }),
    });
    return layers;
  });
  const owned = new Set(tensorsIn([parameters, input, call]));
  const made = tensorsIn(
    seen.map(({ trace: { inputs, parameters: own, stream, attended, tokens }, ...rest }) => ({
      ...rest,
      tensors: [inputs, own, stream, attended, tokens ?? []],
    })),
  ).filter((tensor) => !owned.has(tensor));
  const reads = seen.map(async ({ trace, map, twice }): Promise<LayerNumbers> => {
    const { inputs, parameters: own, stream, attended, tokens = attended } = trace;
    const projections = Promise.all(
      projectionNames.flatMap((name) =>
        name in own ? [read(own[name]).then((numbers) => [name, numbers] as const)] : [],
      ),
    );
    const [weights, doubled, values, streamed, output, after] = await Promise.all([
      read(map),
      twice === undefined ? undefined : read(twice),
      read(inputs.v),
      read(stream),
      read(attended),
      read(tokens),
    ]);
    const maps = isLinear(weights, doubled) ? { maps: mapsOf(trace, weights, map.shape) } : {};
    return {
      trace,
      ...maps,
      projections: Object.fromEntries(await projections),
      values,
      stream: streamed,
      attended: output,
      tokens: after,
    };
  });
  return Promise.all(reads).finally(() => {
    for (const tensor of made) tensor.dispose();
  });
}
