import { expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { amplitudesOf } from "../../src/physics/amplitudes.js";
import { enumeratedEnergy } from "../../src/physics/variational.js";
import type { WavefunctionRun } from "../../src/studies/wavefunction/measurements.js";
import { begin, problemOf, restore, type StoredOptimization } from "../../src/studies/wavefunction/optimization.js";
import { finalDrawsOf, schedulesOf, type OptimizationSetting } from "../../src/studies/wavefunction/setting.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";
import { optimize } from "../../src/studies/wavefunction/train.js";
import { optionsOf } from "../support/study.js";

const tiny: OptimizationSetting = {
  ...optionsOf(wavefunction, { extents: [8], j2: 0.3 }),
  width: 4,
  steps: 12,
  projection: "translations",
};

/** Optimises factored attention on eight sites. */
function optimized(setting: OptimizationSetting, stored?: StoredOptimization[]): Promise<WavefunctionRun> {
  const follow = (): Promise<void> => Promise.resolve();
  return optimize(
    { attention: "factored", seed: 3, setting, projects: true, reference: undefined, follow },
    {
      backend: cpu,
      state: undefined,
      isDue: () => stored !== undefined,
      store: async (state) => void stored?.push(state),
      measured: () => Promise.resolve(),
      report: () => undefined,
      checkpoint: () => Promise.resolve(),
    },
  );
}

it("refines squares up to 6 × 6 sites by default, unless the projection is chosen", () => {
  expect(optionsOf(wavefunction, { extents: [6, 6] })).toMatchObject({
    refinement: 90,
    kernels: ["factored", "softmax"],
  });
  for (const chosen of [{ extents: [4, 4] }, { extents: [8, 8] }, { extents: [6, 6], projection: "all" }] as const)
    expect(optionsOf(wavefunction, chosen).refinement).toBe(0);
  expect(optionsOf(wavefunction, { extents: [6, 6], projection: "none", refinement: 3 }).refinement).toBe(3);
});

it.each([
  [0.03, 0.003, 0.015],
  [0.03, 0.03, 0.03],
])("takes steps at rates from %d to %d, and refines from %d", (start, end, half) => {
  const rate = { start, end, warmup: 9 };
  expect(schedulesOf({ rate, steps: 20, refinement: 0 })).toEqual([{ start, end, steps: 20, warmup: 9 }]);
  expect(schedulesOf({ rate, steps: 6, refinement: 4 })).toEqual([
    { start, end: half, steps: 6, warmup: 5 },
    { start: half, end, steps: 4, warmup: 0 },
  ]);
});

it("refines a wave function on the space group, from where the steps before end", async () => {
  const stored: StoredOptimization[] = [];
  const unrefined = await optimized(tiny);
  const run = await optimized({ ...tiny, refinement: 6 }, stored);
  expect(run.energies.slice(0, 12)).toEqual(unrefined.energies);
  const problem = problemOf("factored", { ...tiny, projection: "space-group" });
  const state = begin(problem, tiny, 3, cpu);
  restore(state, stored[11]);
  const energy = await enumeratedEnergy(problem, amplitudesOf(problem.ansatz, state.parameters));
  expect(run.energies[12]).toBeCloseTo(energy / 8, 12);
  // the point group lowers the energy, and the flip of all spins is left out
  expect(run.energies[12]).toBeLessThan(unrefined.last.mean - 1e-9);
  expect(run.energies[12]).toBeGreaterThan(unrefined.projected!.mean + 1e-9);
  expect(run.energies).toHaveLength(18);
  expect(run.last.mean).toBeLessThan(run.energies[12]);
  expect(run.projected).toBeUndefined();
});

it("measures the final energy with four times the draws of a step, and sixteen times after a refinement", async () => {
  const setting = { ...tiny, sampling: "draws", samples: 256, steps: 1 } as const;
  const errorOf = async (refinement: number): Promise<number> =>
    (await optimized({ ...setting, refinement })).last.error;
  expect([0, 1].map((refinement) => finalDrawsOf({ refinement }))).toEqual([4, 16]);
  const ratio = (await errorOf(0)) / (await errorOf(1));
  expect(ratio).toBeGreaterThan(1.4);
  expect(ratio).toBeLessThan(2.8);
});
