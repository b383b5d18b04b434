import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";
import { norm } from "./vectors.js";

/** The min(rows, columns) singular values in descending order. */
export function singularValues(matrix: Matrix): number[] {
  const { diagonal } = new SingularValueDecomposition(matrix, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  return [...diagonal].sort((a, b) => b - a);
}

/** The largest singular value of a matrix that is not 0, with its unit vectors on the side of rows and of columns. */
export function leadingPair(matrix: Matrix): { value: number; left: number[]; right: number[] } {
  const { eigenvectorMatrix } = new EigenvalueDecomposition(matrix.transpose().mmul(matrix), { assumeSymmetric: true });
  const right = eigenvectorMatrix.getColumn(matrix.columns - 1); // eigenvalues ascend
  const image = matrix.mmul(Matrix.columnVector(right)).to1DArray();
  const value = norm(image);
  return { value, left: image.map((entry) => entry / value), right };
}
