import { groundState } from "../../physics/exact.js";
import { heisenberg } from "../../physics/hamiltonian.js";
import { square } from "../../physics/lattice.js";
import type { Session, Study } from "../study.js";
import { attentionNames, type WavefunctionConfiguration } from "./configuration.js";
import type { Reference, WavefunctionMeasurements, WavefunctionRun } from "./measurements.js";
import { present } from "./present.js";
import { optimize } from "./train.js";

/** Energies per site of clusters too large for Lanczos here, as the literature has them. */
const published: readonly (Reference & { readonly side: number; readonly j2: number })[] = [
  { side: 6, j2: 0.5, energy: -0.50381, source: "exact diagonalisation, as quoted in the literature" },
  { side: 6, j2: 0, energy: -0.6788721, source: "exact diagonalisation, as quoted in the literature" },
  { side: 10, j2: 0.5, energy: -0.497676335, source: "symmetrised transformer of Rende & Viteritti, arXiv 2405.18874 (a variational bound)" },
];

function referenceFor({ side, j2, enumerate }: WavefunctionConfiguration): Reference | undefined {
  if (enumerate) return { energy: groundState(heisenberg(square(side), { j2 })).energy / side ** 2, source: "Lanczos, in this run" };
  return published.find((entry) => entry.side === side && entry.j2 === j2);
}

/** Steps between two writes of the results. */
const SAVE_EVERY = 10;

async function run(configuration: WavefunctionConfiguration, session: Session<WavefunctionMeasurements>): Promise<void> {
  const { side, j2, seeds } = configuration;
  const known = referenceFor(configuration);
  const reference = known && { energy: known.energy, source: known.source };
  session.report({ kind: "stage", title: `J1-J2 Heisenberg model, ${side} × ${side}, J2 = ${j2} J1, on ${session.backend.device.name}` });
  if (reference) session.report({ kind: "note", text: `Energy per site to reach: ${reference.energy.toFixed(10)} (${reference.source})` });
  const finished: WavefunctionRun[] = [];
  for (let index = 0; index < seeds; index++) {
    for (const attention of attentionNames) {
      let latest: WavefunctionRun | undefined;
      for await (latest of optimize(attention, session.seed + index, configuration, session, reference?.energy)) {
        const isDue = latest.finished || latest.energies.length % SAVE_EVERY === 0 || latest.energies.length === 1;
        if (isDue) await session.save({ ...(reference ? { reference } : {}), runs: [...finished, latest] });
      }
      if (latest) finished.push(latest);
    }
  }
}

/** Transformer wave functions with factored and with query-key attention: which energies they reach, and whether attention depends on its input. */
export const wavefunction: Study<WavefunctionConfiguration, WavefunctionMeasurements> = { name: "wavefunction", run, present };
