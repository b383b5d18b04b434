import { add, matmul, reshape, square, sum } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { backend as backendKind } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { formatShape } from "../core/shape.js";
import type { Backend } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import { factored } from "../kernels/factored.js";
import type { LogAmplitude } from "./amplitudes.js";
import { shastrySutherlandDimers } from "./hamiltonian.js";
import { coordinatesOf, latticeKind, type Lattice } from "./lattice.js";

/**
 * log of the factor by which a dimer of parallel spins reduces the amplitude. Its square, and its product with a
 * correct amplitude, are below float64 rounding.
 */
const PARALLEL = -40;

/** α_ij = 1 where j is the dimer partner of i on `lattice`, else 0: [1, sites, sites]. */
export function dimerWeights(lattice: Lattice): Float64Array {
  checkArguments("dimerWeights", { lattice }, { lattice: latticeKind });
  const weights = new Float64Array(lattice.sites ** 2);
  for (const [i, j] of shastrySutherlandDimers(lattice)) {
    weights[i * lattice.sites + j] = 1;
    weights[j * lattice.sites + i] = 1;
  }
  return weights;
}

/**
 * The product of singlets on the Shastry-Sutherland dimers of `lattice`, as one layer of factored attention with fixed
 * weights on `backend`.
 *
 * Every site attends to its partner, a_i = Σ_j α_ij σ_j. The output is log|ψ| = -5 Σ_i (σ_i + a_i)², to which an
 * antiparallel dimer adds 0 and a parallel one -40, and the phase π/2 Σ_{i in even rows} (1 - σ_i). Each dimer joins
 * an even and an odd row, so exchanging its spins changes the sign, as for a singlet.
 *
 * @example
 * const lattice = square(4);
 * const logAmplitude = dimerState(cpu, lattice);
 * await enumeratedEnergy({ hamiltonian: shastrySutherland(lattice) }, logAmplitude); // -6, -3/8 a site
 */
export function dimerState(backend: Backend, lattice: Lattice): LogAmplitude {
  checkArguments("dimerState", { backend, lattice }, { backend: backendKind, lattice: latticeKind });
  const { sites } = lattice;
  const kernel = factored();
  const positions = backend.tensor(dimerWeights(lattice), [1, sites, sites]);
  const evenRows = Float64Array.from({ length: sites }, (_, site) =>
    coordinatesOf(lattice, site)[0] % 2 === 0 ? -Math.PI / 2 : 0,
  );
  const rule = backend.tensor(evenRows, [sites, 1]);
  return async (spins) => {
    const rows = spins.length / sites;
    if (!Number.isInteger(rows) || rows === 0) {
      throw new ShapeError({
        where: "dimerState",
        argument: "spins",
        wanted: `rows of ${sites} spins`,
        got: formatShape([spins.length]),
      });
    }
    const { re, im } = backend.scope(() => {
      const v = backend.tensor(spins, [rows, 1, sites, 1]);
      const partners = attention(kernel, { q: v, k: v, v, positions });
      // Both spins of a parallel dimer have (σ + a)² = 4.
      const penalty = sum(reshape(square(add(v, partners)), [rows, sites]), 1);
      return {
        re: matmul(reshape(penalty, [rows, 1]), backend.tensor([PARALLEL / 8], [1, 1])),
        im: matmul(reshape(v, [rows, sites]), rule),
      };
    });
    const offset = (Math.PI / 2) * (sites / 2);
    const [size, phase] = [
      Float64Array.from(await re.read()),
      Float64Array.from(await im.read(), (value) => value + offset),
    ];
    re.dispose();
    im.dispose();
    return { re: size, im: phase };
  };
}
