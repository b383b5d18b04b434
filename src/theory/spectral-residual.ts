import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { UnsupportedError } from "../core/errors.js";
import { denseJacobian } from "./jacobian-spectrum.js";
import type { Linearization } from "./linearization.js";

/** The residual in the eigenvectors of JJᵀ. */
export interface SpectralResidual {
  /** λ_i, eigenvalues of JJᵀ, none below 0. */
  readonly eigenvalues: readonly number[];
  /** c_i, the residual's components. */
  readonly components: readonly number[];
}

/** Most outputs whose eigenvectors are computed: some seconds. */
const MOST_OUTPUTS = 600;

/** Decomposes the residual. Throws `UnsupportedError` for more outputs than can be decomposed in seconds. */
export function spectralResidual(where: string, { residual, jacobian }: Linearization): SpectralResidual {
  if (jacobian.rows > MOST_OUTPUTS) {
    throw new UnsupportedError({
      where,
      argument: "problem",
      wanted: `at most ${MOST_OUTPUTS} outputs, whose eigenvectors are computed`,
      got: String(jacobian.rows),
      fix: "Take fewer samples or tokens.",
    });
  }
  const dense = denseJacobian(jacobian);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(dense.mmul(dense.transpose()), {
    assumeSymmetric: true,
  });
  return {
    eigenvalues: realEigenvalues.map((value) => Math.max(0, value)),
    components: eigenvectorMatrix
      .transpose()
      .mmul(Matrix.columnVector(Array.from(residual)))
      .to1DArray(),
  };
}
