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

/** The loss around one trained model. */
export interface Landscape {
  readonly kernel: string;
  readonly seed: number;
  /** Loss on two filter-normalised random directions. */
  readonly randomPlane: Surface;
  /**
   * Loss on the first two principal directions of the training path, with the path and the share of its variance that
   * each explains.
   */
  readonly pathPlane: Surface & {
    readonly path: readonly (readonly [number, number])[];
    readonly explained: readonly number[];
  };
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

/** The landscape of `loss` around the end of a training path; equal seeds give equal draws for every kernel. */
export async function measureLandscape<Parameters extends ParameterTree>(
  names: { readonly kernel: string; readonly seed: number },
  loss: Loss<Parameters>,
  parameters: Parameters,
  path: readonly Float64Array[],
  { points, radius, products, linePoints }: LandscapeOptions,
  work: Work,
): Promise<Landscape> {
  const center = path[path.length - 1];
  const label = `${names.kernel}, landscape`;
  const progress = async (done: number, note: string): Promise<void> => {
    work.report({ kind: "progress", label, done, total: 4, note });
    await work.checkpoint();
  };
  const source = random(names.seed);
  const directions = [
    filterNormalizedDirection(parameters, center, source),
    filterNormalizedDirection(parameters, center, source),
  ] as const;
  const axis = evenly(-radius, radius, points);
  const randomPlane = await lossSurface(loss, parameters, { center, directions, x: axis, y: axis });
  await progress(1, "random directions");
  const principal = principalDirections(path);
  const axes = {
    x: around(
      principal.path.map(([x]) => x),
      points,
    ),
    y: around(
      principal.path.map(([, y]) => y),
      points,
    ),
  };
  const pathPlane = {
    ...(await lossSurface(loss, parameters, { center, directions: principal.directions, ...axes })),
    path: principal.path,
    explained: principal.explained,
  };
  await progress(2, "training path");
  const line = evenly(-radius, radius, linePoints);
  const lines: Roughness[] = [];
  for (const direction of directions) {
    lines.push(
      roughness(
        await lossesAt(
          loss,
          parameters,
          center,
          [direction],
          line.map((scale) => [scale]),
        ),
        line[1] - line[0],
      ),
    );
  }
  await progress(3, `lines of length ${norm(directions[0]).toFixed(1)}`);
  const hessian = await lanczos(hessianProduct(loss, parameters, center), center.length, {
    products,
    random: random(names.seed),
  });
  await progress(4, "Hessian");
  return { ...names, randomPlane, pathPlane, hessian, lines };
}
