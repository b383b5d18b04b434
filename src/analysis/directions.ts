import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { ArgumentError } from "../core/errors.js";
import { generator, listOf } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import type { Random } from "../core/random.js";
import { tensorsIn, type ParameterTree } from "../core/tensor.js";
import { worstCaseRounding } from "../numerics/rounding.js";
import { dot, norm } from "../numerics/vectors.js";
import { checkVectors, treeKind, vectorKind } from "./vectors.js";

/**
 * A random normal direction d, scaled so that each of its filters is as long as that of the parameters: `d_f ← d_f
 * ‖θ_f‖/‖d_f‖`.
 *
 * A filter holds the weights of one output: a column over the last two axes of a tensor. Tensors of one axis (biases,
 * norms) get direction 0. Source: Li, Xu, Taylor, Studer and Goldstein, arXiv 1712.09913.
 *
 * @param parameters a tree of tensors
 * @param vector its numbers, as `readVector` gives them
 * @param source where the direction is drawn from
 */
export function filterNormalizedDirection(
  parameters: ParameterTree,
  vector: Float64Array,
  source: Random,
): Float64Array {
  const where = "filterNormalizedDirection";
  checkArguments(
    where,
    { parameters, vector, source },
    { parameters: treeKind, vector: vectorKind, source: generator },
  );
  checkVectors(where, parameters, { vector: [vector] });
  const direction = new Float64Array(vector.length);
  let start = 0;
  for (const { shape, size } of tensorsIn(parameters)) {
    const [rows, columns] = [shape.at(-2), shape.at(-1)];
    if (rows !== undefined && columns !== undefined) {
      const draws = source.normals(size);
      for (let matrix = 0; matrix < size; matrix += rows * columns) {
        for (let column = 0; column < columns; column++) {
          const places = Array.from({ length: rows }, (_, row) => matrix + row * columns + column);
          const length = (numbers: Float64Array, offset: number): number =>
            Math.hypot(...places.map((place) => numbers[offset + place]));
          const scale = length(vector, start) / length(draws, 0);
          for (const place of places) direction[start + place] = scale * draws[place];
        }
      }
    }
    start += size;
  }
  return direction;
}

/** Orthonormal principal directions of a training path, and the share of its variance that each explains. */
export interface PrincipalDirections {
  readonly directions: readonly [Float64Array, Float64Array];
  readonly explained: readonly [number, number];
  /** The coordinates of the path's points on the plane. Its end is at (0, 0). */
  readonly path: readonly (readonly [number, number])[];
}

/**
 * The first two principal directions of the differences `θ_t - θ_T` between the points of a training path and its
 * end, from the Gram matrix of the differences.
 *
 * Source: Li et al., arXiv 1712.09913, section 7.
 *
 * @param path the numbers of the parameters at each of its points
 * @throws ArgumentError for a path that does not span a plane.
 */
export function principalDirections(path: readonly Float64Array[]): PrincipalDirections {
  checkArguments("principalDirections", { path }, { path: listOf(vectorKind, "vectors, as readVector gives") });
  const end = path[path.length - 1];
  const differences = path.slice(0, -1).map((point) => point.map((value, index) => value - end[index]));
  const refuse = (): never => {
    throw new ArgumentError({
      where: "principalDirections",
      argument: "path",
      wanted: "three points or more that span a plane",
      got: `${path.length} points that do not`,
    });
  };
  if (differences.length < 2) refuse();
  const gram = new Matrix(differences.map((a) => differences.map((b) => dot(a, b))));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const order = Array.from(realEigenvalues.keys()).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const total = realEigenvalues.reduce((a, b) => a + b, 0);
  // the Gram matrix loses half of the digits
  if (!(realEigenvalues[order[1]] > worstCaseRounding(differences.length, realEigenvalues[order[0]]))) refuse();
  const direction = (rank: 0 | 1): Float64Array => {
    const column = eigenvectorMatrix.getColumn(order[rank]);
    const sum = end.map((_, index) =>
      differences.reduce((total, difference, step) => total + column[step] * difference[index], 0),
    );
    const length = norm(sum);
    return sum.map((value) => value / length);
  };
  const directions = [direction(0), direction(1)] as const;
  return {
    directions,
    explained: [realEigenvalues[order[0]] / total, realEigenvalues[order[1]] / total],
    path: [
      ...differences.map((difference) => [dot(difference, directions[0]), dot(difference, directions[1])] as const),
      [0, 0] as const,
    ],
  };
}
