import { Matrix } from "ml-matrix";
import type { ParameterTree } from "../../core/tensor.js";
import { mean } from "../../numerics/averages.js";
import { meanCosine } from "../redundancy.js";
import { projectionNames, type LayerNumbers } from "./look.js";
import { dependence, measureRows, sumsToOne, twins, type Maps } from "./maps.js";
import { copiesIn, extremesOf, part, range, rankOf, spread, valueSpread } from "./matrices.js";
import type { HeadRecord, LayerRecord, ProjectionName, SingularExtremes } from "./records.js";
import { namesIn, type WeightNumbers } from "./weights.js";

/**
 * Tokens whose square matrices are decomposed: a decomposition takes some milliseconds at this size, and grows as n³.
 */
const LOOKED_AT = 64;

type HeadMatrices = Pick<HeadRecord, "query" | "key" | "value">;

interface Heads {
  readonly heads: number;
  /** Heads of keys and values. */
  readonly kvHeads: number;
  /** The width of a head. */
  readonly dim: number;
}

function headsOf({ trace: { inputs, attended } }: LayerNumbers): Heads {
  const [, kvHeads, , dim] = inputs.v.shape;
  return { heads: attended.shape[2] / dim, kvHeads, dim };
}

/** The columns of one head in a projection, or its rows in that of the output. */
function placesOf({ kvHeads, heads, dim }: Heads, name: ProjectionName, head: number): number[] {
  const isOwn = name === "query" || name === "output";
  return range(dim, (isOwn ? head : Math.floor((head * kvHeads) / heads)) * dim);
}

/** The path of the layer's parameters in a tree. */
export function layerName({ trace }: LayerNumbers, parameters: ParameterTree): string {
  const found = [...namesIn(parameters)].find(([, tensor]) => tensor === trace.parameters.value);
  return found === undefined ? "" : found[0].split(".").slice(0, -1).join(".");
}

/** The norms of the gradients of a head's matrices. */
export function gradientsOf(
  layer: LayerNumbers,
  head: number,
  parameters: ParameterTree,
  weights: readonly WeightNumbers[],
): HeadRecord["gradients"] {
  const sizes = headsOf(layer);
  const names = new Map([...namesIn(parameters)].map(([name, tensor]) => [tensor, name]));
  const found = projectionNames.flatMap((name): (readonly [string, number])[] => {
    const own = layer.trace.parameters[name] as (typeof layer.trace.parameters)[string] | undefined;
    const path = own === undefined ? undefined : names.get(own);
    const numbers = weights.find((weight) => weight.name === path)?.gradient;
    if (own === undefined || numbers === undefined) return [];
    const [rows, columns] = own.shape;
    const places = placesOf(sizes, name, head);
    const matrix = { numbers, rows, columns };
    const block = name === "output" ? part(matrix, places, range(columns)) : part(matrix, range(rows), places);
    return [[name, block.norm("frobenius")]];
  });
  return Object.fromEntries(found);
}

function singularOf(layer: LayerNumbers, head: number): HeadMatrices {
  const sizes = headsOf(layer);
  const names = ["query", "key", "value"] as const;
  const found = names.flatMap((name): (readonly [string, SingularExtremes])[] => {
    const numbers = layer.projections[name];
    if (numbers === undefined) return [];
    const columns = name === "query" ? sizes.heads * sizes.dim : sizes.kvHeads * sizes.dim;
    const rows = numbers.length / columns;
    return [[name, extremesOf(part({ numbers, rows, columns }, range(rows), placesOf(sizes, name, head)))]];
  });
  return Object.fromEntries(found);
}

/** Whether the weights of the layer's kernel are above 0 for every score, so that a weight of 0 has underflowed. */
function isPositive({ trace: { kernel } }: LayerNumbers): boolean {
  return !("compose" in kernel) && kernel.formula.weight(-1) > 0;
}

function isNormalized({ trace: { kernel } }: LayerNumbers, maps: Maps): boolean {
  if ("compose" in kernel) return sumsToOne(maps);
  return kernel.normalizer === "softmax" || kernel.normalizer === "sum";
}

/** The kernel matrix of a head on the first sequence, for the tokens looked at. */
function kernelMatrix({ weights, queries, keys }: Maps, head: number): Matrix {
  const size = Math.min(queries, keys, LOOKED_AT);
  const numbers = weights.subarray(head * queries * keys, (head + 1) * queries * keys);
  return part({ numbers, rows: queries, columns: keys }, spread(queries, size), spread(keys, size));
}

function extremeRatios(heads: readonly HeadMatrices[]): Pick<LayerRecord, "queryKeyOverValue" | "valueOverQueryKey"> {
  const largest = heads.flatMap(({ query, key }) => [query, key].flatMap((own) => (own ? [own.largest] : [])));
  const smallest = heads.flatMap(({ value }) => (value ? [value.smallest] : []));
  if (largest.length === 0 || smallest.length === 0) return {};
  const [queryKey, value] = [Math.max(...largest), Math.min(...smallest)];
  return { queryKeyOverValue: queryKey / value, valueOverQueryKey: value / queryKey };
}

const allFinite = (numbers: ArrayLike<number>): boolean => Array.prototype.every.call(numbers, Number.isFinite);

/** The measures of one layer; `slopesOf` gives the norms of the gradients of a head's matrices. */
export function measureLayer(
  layer: LayerNumbers,
  name: string,
  slopesOf: (head: number) => HeadRecord["gradients"],
): LayerRecord {
  const { trace, maps, values, stream, attended, tokens } = layer;
  const [batch, n, width] = trace.attended.shape;
  const { heads: count, kvHeads } = headsOf(layer);
  const rows = spread(n, LOOKED_AT);
  const [read, written] = [stream, attended].map((numbers) =>
    part({ numbers, rows: n, columns: width }, rows, range(width)),
  );
  const finite = [values, attended, tokens, maps?.weights ?? []].every(allFinite);
  const shared =
    maps === undefined
      ? undefined
      : { depends: dependence(maps), pairs: twins(maps, values, trace.inputs.v.shape), size: maps.queries };
  const heads = range(count).map((head): HeadRecord => {
    const ofMaps = (): Partial<HeadRecord> => {
      if (maps === undefined || shared === undefined) return {};
      const { underflow, ...measures } = measureRows(maps, head, isNormalized(layer, maps));
      return {
        ...rankOf(kernelMatrix(maps, head)),
        ...measures,
        ...(isPositive(layer) ? { underflow } : {}),
        ...(shared.depends === undefined ? {} : { inputDependence: shared.depends.heads[head] }),
        ...(shared.pairs === undefined ? {} : { twin: shared.pairs[head] }),
      };
    };
    return {
      ...ofMaps(),
      valueSpread: valueSpread(values, trace.inputs.v.shape, Math.floor((head * kvHeads) / count)),
      ...singularOf(layer, head),
      gradients: slopesOf(head),
    };
  });
  const sequences = range(batch).map((b) => Array.from(tokens).slice(b * n * width, (b + 1) * n * width));
  return {
    name,
    finite,
    heads,
    size: Math.min(n, trace.inputs.v.shape[2], LOOKED_AT),
    copies: copiesIn(read),
    ...(n < 2 ? {} : { tokenCosine: mean(sequences.map((own) => meanCosine(own, n, width))) }),
    attended: extremesOf(written),
    withResidual: extremesOf(Matrix.add(read, written)),
    ...(shared?.depends === undefined ? {} : { inputDependence: shared.depends.all }),
    ...extremeRatios(heads),
  };
}
