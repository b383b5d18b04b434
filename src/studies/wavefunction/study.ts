import { groundState } from "../../physics/exact.js";
import { heisenberg } from "../../physics/hamiltonian.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import { attentionNames, chainSettings, checkConfiguration, latticeOf, wavefunctionBytes, wavefunctionFields, type AttentionName, type OptimizationSetting, type WavefunctionConfiguration } from "./configuration.js";
import type { Reference, WavefunctionMeasurements, WavefunctionRun } from "./measurements.js";
import type { StoredOptimization } from "./optimization.js";
import { present } from "./present.js";
import { optimize } from "./train.js";

/** Energies per site of squares too large for Lanczos here, as the literature has them. */
const published: readonly (Reference & { readonly side: number; readonly j2: number })[] = [
  { side: 6, j2: 0.5, energy: -0.50381, source: "exact diagonalisation, as quoted in the literature" },
  { side: 6, j2: 0, energy: -0.6788721, source: "exact diagonalisation, as quoted in the literature" },
  { side: 10, j2: 0.5, energy: -0.497676335, source: "symmetrised transformer of Rende & Viteritti, arXiv 2405.18874 (a variational bound)" },
];

/** Sites up to which Lanczos takes seconds. */
const LANCZOS_SITES = 16;

function referenceFor({ extents, j2 }: OptimizationSetting): Reference | undefined {
  const lattice = latticeOf(extents);
  if (lattice.sites <= LANCZOS_SITES) return { energy: groundState(heisenberg(lattice, { j2 })).energy / lattice.sites, source: "Lanczos, in this run" };
  return published.find((entry) => extents.length === 2 && extents.every((extent) => extent === entry.side) && entry.j2 === j2);
}

/** Steps between two writes of the results. */
const SAVE_EVERY = 10;

async function run(configuration: WavefunctionConfiguration, session: Session<WavefunctionMeasurements>): Promise<void> {
  checkConfiguration(configuration);
  const { seeds, lengths, lengthSeeds, lengthChoice, ...setting } = configuration;
  const { extents, j2 } = setting;
  const known = referenceFor(setting);
  const reference = known && { energy: known.energy, source: known.source };
  session.report({ kind: "stage", title: `J1-J2 Heisenberg model, ${extents.join(" × ")} sites, J2 = ${j2} J1, on ${session.backend.device.name}` });
  if (reference) session.report({ kind: "note", text: `Energy per site to reach: ${Number(reference.energy.toFixed(10))} (${reference.source})` });
  const runs: WavefunctionRun[] = [];
  const grown: WavefunctionRun[] = [];
  const save = (): Promise<void> => session.save({ ...(reference ? { reference } : {}), runs: [...runs], lengths: [...grown] });

  /** Optimises, and puts the run as it stands at the end of a list. */
  async function add(list: WavefunctionRun[], words: string, attention: AttentionName, seed: number, own: OptimizationSetting): Promise<void> {
    const place = list.length;
    const follow = async (latest: WavefunctionRun): Promise<void> => {
      list[place] = latest;
      if (latest.energies.length % SAVE_EVERY === 0 || latest.energies.length === 1) await save();
    };
    const task = session.task({ name: `${words} seed ${seed}`, depends: { attention, seed, setting: own } }, (kept: Kept<StoredOptimization>) =>
      optimize({ attention, seed, setting: own, reference: own === setting ? reference?.energy : referenceFor(own)?.energy, follow }, session, kept),
    );
    const done = await task.catch(async (error: unknown) => {
      if (list.length > place) await save(); // as it stood when it was stopped
      throw error;
    });
    if (done === undefined) return;
    list[place] = done;
    await save();
  }

  for (let index = 0; index < seeds; index++) {
    for (const attention of attentionNames) await add(runs, attention, attention, session.seed + index, setting);
  }
  for (const [place, own] of chainSettings(setting, { lengths, lengthChoice }).entries()) {
    for (let index = 0; index < lengthSeeds; index++) await add(grown, `softmax ${lengths[place]} patches`, "softmax", session.seed + index, own);
  }
}

/** Transformer wave functions with factored and with query-key attention: which energies they reach, and whether attention depends on its input. */
export const wavefunction: Study<WavefunctionConfiguration, WavefunctionMeasurements> = { name: "wavefunction", configuration: record(wavefunctionFields), bytes: wavefunctionBytes, run, present };
