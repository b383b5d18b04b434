import { cpu, factored, gaussian, random, relativePosition, softmax } from "attention-kernels";
import {
  ansatz,
  attentionMaps,
  cosineSchedule,
  groundState,
  heisenberg,
  pointGroup,
  productOf,
  representativesOf,
  shiftsWithin,
  spinFlip,
  square,
  summation,
  translations,
  variationalStep,
} from "attention-kernels/physics";

const [SIDE, PATCH, HEADS] = [4, 2, 2];
/** Patches along each axis. */
const periodic = [SIDE / PATCH, SIDE / PATCH];
/** None of them changes when all patches move by one, so neither does ψ. */
const kernels = {
  factored: () => factored({ periodic }),
  relative: () => relativePosition({ periodic }),
  softmax: () => softmax(),
  gaussian: () => gaussian(),
};

const hamiltonianOf = (j2) => heisenberg(square(SIDE), { j2 });

/** The lowest energy per site, by Lanczos: H is Σ S_i·S_j over neighbours, and J2 Σ S_i·S_j over diagonal ones. */
export const exactEnergy = (j2) => groundState(hamiltonianOf(j2)).energy / SIDE ** 2;

/**
 * Three quarters of 1/(E_max - E_0), above which excited states grow: E_max is that of the ferromagnet, 1/4 for each of
 * the 2 + 2 bonds of a site, and E_0 about -0.6 per site.
 */
const rateFor = (j2) => Number((0.75 / (SIDE ** 2 * ((1 + Math.abs(j2)) / 2 + 0.6))).toPrecision(2));

/**
 * Stochastic reconfiguration of a transformer wave function on 4 × 4 spins, projected on all symmetries, with means by
 * summation over all 12,870 configurations of total spin 0 along z.
 *
 * @param follow gets every step: what is measured before the weights change. Energies are per site.
 */
export async function learn({ kernel, j2, width, seed, steps }, follow) {
  const hamiltonian = hamiltonianOf(j2);
  const { lattice } = hamiltonian;
  const elements = productOf(shiftsWithin(lattice, PATCH), productOf(pointGroup(lattice), spinFlip(lattice)));
  const model = ansatz({
    lattice,
    kernel: kernels[kernel](),
    patch: PATCH,
    width,
    heads: HEADS,
    layers: 1,
    projection: { elements, characters: elements.map(() => 1) },
  });
  const represent = representativesOf(lattice.sites, productOf(translations(lattice, PATCH), elements));
  const parameters = model.initialize(cpu, random(seed));
  const rate = rateFor(j2);
  const rateAt = cosineSchedule({ start: rate, end: rate, steps, warmup: Math.min(5, steps - 1) });
  let last;
  const energies = [];
  for (let step = 0; step < steps; step++) {
    let maps;
    const options = { samples: 0, rate: rateAt(step), shift: 1e-3, momentum: 0, longest: 0.3 };
    const measured = async ({ drawn }) => void ([maps] = await attentionMaps(model, parameters, drawn));
    const problem = { ansatz: model, hamiltonian, represent };
    const { measurement, direction } = await variationalStep(problem, parameters, summation(lattice.sites), last, {
      ...options,
      measured,
    });
    last?.dispose();
    last = direction;
    energies.push(measurement.energy.mean / lattice.sites);
    await follow?.({
      energy: energies[step],
      variance: measurement.energy.variance,
      dependence: maps.inputDependence,
      // the mean weights of every head, [heads, n, n]
      maps: Array.from(maps.mean),
    });
  }
  return energies;
}
