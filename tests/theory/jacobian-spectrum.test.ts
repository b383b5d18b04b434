import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { jacobianSpectrum } from "../../src/theory/jacobian-spectrum.js";
import type { Operator } from "../../src/theory/linearization.js";

function operator(matrix: Matrix): Operator {
  const times = (left: Matrix, vector: Float64Array): Float64Array =>
    Float64Array.from(left.mmul(Matrix.columnVector(vector)).to1DArray());
  const transposed = matrix.transpose();
  return {
    rows: matrix.rows,
    columns: matrix.columns,
    apply: (v) => times(matrix, v),
    adjoint: (u) => times(transposed, u),
  };
}

/** diag(values) with columns turned by reflections: the singular values are known. */
function withSingularValues(values: readonly number[], columns: number): Matrix {
  const matrix = Matrix.zeros(values.length, columns);
  values.forEach((value, index) => matrix.set(index, index, value));
  const source = random(7);
  for (let turn = 0; turn < 2; turn++) {
    const axis = Matrix.columnVector(source.normals(columns));
    const scale = 2 / axis.norm("frobenius") ** 2;
    matrix.sub(matrix.mmul(axis).mmul(axis.transpose()).mul(scale));
  }
  return matrix;
}

describe("the singular values of a Jacobian", () => {
  it("are exact where it is small", () => {
    const { smallest, largest, method } = jacobianSpectrum(operator(withSingularValues([3, 2, 0.5], 6)));
    expect(method).toBe("exact");
    expect(smallest).toBeCloseTo(0.5, 12);
    expect(largest).toBeCloseTo(3, 12);
  });

  it("have no full row rank with fewer columns than rows", () => {
    expect(jacobianSpectrum(operator(Matrix.eye(3, 2))).smallest).toBe(0);
    expect(jacobianSpectrum(operator(Matrix.eye(170, 165)))).toMatchObject({ smallest: 0, method: "randomised" });
  });

  it.each([1, 2, 3])("are bounded from both sides where it is large (seed %i)", (seed) => {
    const values = Array.from({ length: 180 }, (_, index) => 1 + index / 179);
    const { smallest, largest, method } = jacobianSpectrum(operator(withSingularValues(values, 190)), seed);
    expect(method).toBe("randomised");
    expect(smallest).toBeLessThanOrEqual(1);
    expect(smallest).toBeGreaterThan(0.95);
    expect(largest).toBeGreaterThanOrEqual(2);
    expect(largest).toBeLessThan(2.02);
  });

  it("are unbounded where Lanczos ends after too few steps on an invariant subspace", () => {
    expect(jacobianSpectrum(operator(Matrix.eye(170, 170)))).toEqual({
      smallest: 0,
      largest: Infinity,
      rounding: Infinity,
      method: "randomised",
    });
  });
});
