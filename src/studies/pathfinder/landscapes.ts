import { filterNormalizedDirection, principalDirections } from "../../analysis/directions.js";
import { hessianProduct } from "../../analysis/hessian.js";
import {
  evenly,
  lossesAt,
  lossSurface,
  roughness,
  type Loss,
  type Roughness,
  type Surface,
} from "../../analysis/landscape.js";
import { random } from "../../core/random.js";
import type { ParameterTree } from "../../core/tensor.js";
import { lanczos } from "../../numerics/lanczos.js";
import { norm } from "../../numerics/vectors.js";
import type { Work } from "../runner/study.js";
import type { LandscapeOptions } from "./options.js";

/** The loss on planes through a model. */
interface Planes {
  /** On the first two filter-normalised random directions. */
  readonly random: Surface;
  /**
   * On the first two principal directions of the training path, with the path and the share of its variance that each
   * explains.
   */
  readonly path: Surface & {
    readonly path: readonly (readonly [number, number])[];
    readonly explained: readonly number[];
  };
}

/** The loss around one trained model. */
export interface Landscape {
  readonly kernel: string;
  readonly seed: number;
  /** Of the first seed. */
  readonly planes?: Planes;
  /** Ritz values of the Hessian at the model. */
  readonly hessian: {
    readonly largest: number;
    readonly smallest: number;
    readonly residual: number;
    readonly products: number;
  };
  /** Roughness along each random direction, in units of its filter-normalised length. */
  readonly lines: readonly Roughness[];
}

/** Margin of the path's plane beyond the path, as a share of its extent. */
const MARGIN = 0.2;

function around(values: readonly number[], count: number): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = MARGIN * (high - low);
  return evenly(low - margin, high + margin, count);
}

/** Where a landscape is measured. */
interface Place<Parameters extends ParameterTree> {
  readonly loss: Loss<Parameters>;
  readonly parameters: Parameters;
  /** The weights along the training; the last are the model. */
  readonly path: readonly Float64Array[];
}

async function planesOf<Parameters extends ParameterTree>(
  { loss, parameters, path }: Place<Parameters>,
  directions: readonly [Float64Array, Float64Array],
  { points, radius }: LandscapeOptions,
): Promise<Planes> {
  const center = path[path.length - 1];
  const axis = evenly(-radius, radius, points);
  const random = await lossSurface(loss, parameters, { center, directions, x: axis, y: axis });
  const principal = principalDirections(path);
  const [x, y] = ([0, 1] as const).map((side) =>
    around(
      principal.path.map((point) => point[side]),
      points,
    ),
  );
  const surface = await lossSurface(loss, parameters, { center, directions: principal.directions, x, y });
  return { random, path: { ...surface, path: principal.path, explained: principal.explained } };
}

/**
 * The landscape around the end of a training path, with planes if `drawn`. Equal seeds give equal draws for every
 * kernel.
 */
export async function measureLandscape<Parameters extends ParameterTree>(
  names: { readonly kernel: string; readonly seed: number },
  place: Place<Parameters>,
  options: LandscapeOptions,
  drawn: boolean,
  work: Work,
): Promise<Landscape> {
  const { loss, parameters, path } = place;
  const { radius, products, linePoints, directions: count } = options;
  const center = path[path.length - 1];
  const progress = async (done: number, note: string): Promise<void> => {
    const label = `${names.kernel}, seed ${names.seed}, landscape`;
    work.report({ kind: "progress", label, done, total: drawn ? 3 : 2, note });
    await work.checkpoint();
  };
  const source = random(names.seed);
  const directions = Array.from({ length: count }, () => filterNormalizedDirection(parameters, center, source));
  const line = evenly(-radius, radius, linePoints);
  const scales = line.map((scale) => [scale]);
  const lines: Roughness[] = [];
  for (const direction of directions)
    lines.push(roughness(await lossesAt(loss, parameters, center, [direction], scales), line[1] - line[0]));
  await progress(1, `lines of length ${norm(directions[0]).toFixed(1)}`);
  const hessian = await lanczos(hessianProduct(loss, parameters, center), center.length, {
    products,
    random: random(names.seed),
  });
  await progress(2, "Hessian");
  if (!drawn) return { ...names, hessian, lines };
  const planes = await planesOf(place, [directions[0], directions[1]], options);
  await progress(3, "planes");
  return { ...names, hessian, lines, planes };
}
