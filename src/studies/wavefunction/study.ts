import { groundState } from "../../physics/exact.js";
import { heisenberg } from "../../physics/hamiltonian.js";
import { seedsOf } from "../comparison/seeds.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { Reference, WavefunctionResult } from "./measurements.js";
import type { StoredOptimization } from "./optimization.js";
import { bytesOf, chainSettings, checkOptions, derive, wavefunctionOptions } from "./options.js";
import { finalDrawsOf, latticeOf, type AttentionName, type OptimizationSetting } from "./setting.js";
import { report } from "./report.js";
import { optimize } from "./train.js";

/** Energies per site from the literature, for squares too large for Lanczos here. */
const published: readonly (Reference & { readonly side: number; readonly j2: number })[] = [
  { side: 6, j2: 0.5, energy: -0.50381, source: "exact diagonalisation, as quoted in the literature" },
  { side: 6, j2: 0, energy: -0.6788721, source: "exact diagonalisation, as quoted in the literature" },
  {
    side: 10,
    j2: 0.5,
    energy: -0.497676335,
    source: "symmetrised transformer of Rende & Viteritti, arXiv 2405.18874 (a variational bound)",
  },
];

/** Most sites for which Lanczos takes seconds. */
const LANCZOS_SITES = 16;

function referenceFor({ extents, j2 }: Pick<OptimizationSetting, "extents" | "j2">): Reference | undefined {
  const lattice = latticeOf(extents);
  if (lattice.sites <= LANCZOS_SITES)
    return { energy: groundState(heisenberg(lattice, { j2 })).energy / lattice.sites, source: "Lanczos, in this run" };
  const known = published.find(
    (entry) => extents.length === 2 && extents.every((extent) => extent === entry.side) && entry.j2 === j2,
  );
  return known && { energy: known.energy, source: known.source };
}

/**
 * Transformer wave functions with position-only and with query-key attention: the energies that they reach, and whether
 * attention depends on its input.
 */
export const wavefunction = declareStudy({
  name: "wavefunction",
  question:
    "position-only against query-key attention as wave functions of the J1-J2 Heisenberg model: are queries " +
    "and keys relevant?",
  title: "Are queries and keys relevant? Transformer wave functions of the J1-J2 model",
  options: wavefunctionOptions,
  derive,
  check: checkOptions,
  bytes: bytesOf,

  data(options, _, inform) {
    const { extents, j2 } = options;
    inform({ kind: "stage", title: `J1-J2 Heisenberg model, ${extents.join(" × ")} sites, J2 = ${j2} J1` });
    const reference = referenceFor(options);
    if (reference)
      inform({
        kind: "note",
        text: `Energy per site to reach: ${Number(reference.energy.toFixed(10))} (${reference.source})`,
      });
    return Promise.resolve(reference);
  },

  tasks(options, first) {
    const { kernels, seeds, lengths, lengthSeeds, lengthChoice, ...setting } = options;
    const taskOf = (
      part: WavefunctionResult["part"],
      words: string,
      attention: AttentionName,
      seed: number,
      own: OptimizationSetting,
    ): Task<Reference | undefined, WavefunctionResult, StoredOptimization> => ({
      name: `${words} seed ${seed}`,
      depends: () => ({ attention, seed, setting: own, finalDraws: finalDrawsOf(own) }),
      async run(reference, work) {
        const known = own === setting ? reference : referenceFor(own);
        const follow = (run: WavefunctionResult["run"]): Promise<void> => work.measured({ part, reference, run });
        return {
          part,
          reference,
          run: await optimize(
            { attention, seed, setting: own, projects: part === "runs", reference: known?.energy, follow },
            work,
          ),
        };
      },
    });
    const compared = seedsOf(first, { seeds }).flatMap((seed) =>
      kernels.map((attention) => taskOf("runs", attention, attention, seed, setting)),
    );
    const grown = chainSettings(setting, { lengths, lengthChoice }).flatMap((own, place) =>
      seedsOf(first, { seeds: lengthSeeds }).map((seed) =>
        taskOf("lengths", `softmax ${lengths[place]} patches`, "softmax", seed, own),
      ),
    );
    return [...compared, ...grown];
  },

  gather(done: readonly WavefunctionResult[]) {
    const runsOf = (wanted: WavefunctionResult["part"]) =>
      done.flatMap(({ part, run }) => (part === wanted ? [run] : []));
    return { reference: done[0].reference, runs: runsOf("runs"), lengths: runsOf("lengths") };
  },

  report,
});
