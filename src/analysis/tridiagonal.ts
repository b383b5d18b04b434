import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Eigenvalues, and eigenvectors as columns, of the symmetric matrix with a diagonal and the numbers `beside` it, as Lanczos makes it. */
export function tridiagonalEigen(diagonal: readonly number[], beside: readonly number[]): { readonly values: readonly number[]; readonly vectors: Matrix } {
  const size = diagonal.length;
  const matrix = Matrix.zeros(size, size);
  diagonal.forEach((alpha, index) => {
    matrix.set(index, index, alpha);
    if (index + 1 === size) return;
    matrix.set(index, index + 1, beside[index]);
    matrix.set(index + 1, index, beside[index]);
  });
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  return { values: realEigenvalues, vectors: eigenvectorMatrix };
}
