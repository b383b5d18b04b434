import { SingularValueDecomposition, type Matrix } from "ml-matrix";

/** The min(rows, columns) singular values in descending order. */
export function singularValues(matrix: Matrix): number[] {
  const { diagonal } = new SingularValueDecomposition(matrix, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  return [...diagonal].sort((a, b) => b - a);
}
