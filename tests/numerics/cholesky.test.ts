import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { random } from "../../src/index.js";
import { solvePositiveDefinite } from "../../src/numerics/cholesky.js";

/** GGᵀ + shift·1 for a random G [size, size]. */
function positive(size: number, shift: number): Matrix {
  const g = Matrix.from1DArray(size, size, Array.from(random(size).normals(size * size)));
  return Matrix.add(g.mmul(g.transpose()), Matrix.eye(size).mul(shift));
}

describe("a positive definite system", () => {
  it.each([1, 2, 63, 64, 65, 130, 200])("of %i unknowns is solved as ml-matrix does", (size) => {
    const matrix = positive(size, size);
    const right = random(7).normals(size);
    const wanted = new CholeskyDecomposition(matrix).solve(Matrix.columnVector(Array.from(right))).to1DArray();
    const got = solvePositiveDefinite(Float64Array.from(matrix.to1DArray()), right)!;
    const largest = Math.max(...wanted.map(Math.abs));
    wanted.forEach((value, at) => expect(Math.abs(got[at] - value)).toBeLessThan(1e-12 * largest));
  });

  it("reads the lower triangle alone", () => {
    const lower = Float64Array.from([4, NaN, 2, 5]);
    expect(Array.from(solvePositiveDefinite(lower, [8, 9])!)).toEqual([1.375, 1.25]);
  });

  it.each([1, 65])("is refused where it is not positive definite: %i unknowns", (size) => {
    const matrix = positive(size, size);
    const place = size - 1;
    matrix.set(place, place, -1);
    expect(solvePositiveDefinite(Float64Array.from(matrix.to1DArray()), new Float64Array(size))).toBeUndefined();
    matrix.set(place, place, NaN);
    expect(solvePositiveDefinite(Float64Array.from(matrix.to1DArray()), new Float64Array(size))).toBeUndefined();
  });
});
