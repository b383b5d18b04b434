import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { heisenberg } from "../../src/physics/hamiltonian.js";
import { square } from "../../src/physics/lattice.js";
import type { StudyEvent } from "../../src/studies/runner/events.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import type { WavefunctionOptions } from "../../src/studies/wavefunction/options.js";
import { partsOf } from "../../src/studies/wavefunction/evaluation.js";
import { exponents, exponentWords } from "../../src/studies/wavefunction/lengths.js";
import type { WavefunctionRun } from "../../src/studies/wavefunction/measurements.js";
import { movingAverage } from "../../src/studies/wavefunction/report.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";
import { problemOf } from "../../src/studies/wavefunction/optimization.js";
import { projectionNames, settingFor } from "../../src/studies/wavefunction/setting.js";
import { optionsOf } from "../support/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "wavefunction-"));
});
afterEach(() => rm(out, { recursive: true }));

const tiny: WavefunctionOptions = {
  ...optionsOf(wavefunction, { extents: [8], j2: 0.3 }),
  width: 4,
  seeds: 1,
  steps: 12,
  lengths: [2, 4],
  lengthSeeds: 1,
};
const conducted = (configuration: WavefunctionOptions, signal?: AbortSignal) =>
  conduct(wavefunction, configuration, { backend: cpu, seed: 3, out, command: "test", ...(signal ? { signal } : {}) });

it("study wavefunction compares both attentions against Lanczos, grows chains, and repeats with its seed", async () => {
  const { results, report } = await conducted(tiny);
  expect((await readdir(out)).sort()).toEqual([
    "energy.svg",
    "input-dependence.svg",
    "lengths.svg",
    "report.html",
    "results.json",
    "tasks",
  ]);
  const { reference, runs, lengths } = results.measurements!;
  expect(runs.map(({ attention, finished, energies }) => [attention, finished, energies.length])).toEqual([
    ["factored", true, 12],
    ["softmax", true, 12],
    ["spatial", true, 12],
  ]);
  for (const run of runs) {
    expect(run.last.mean).toBeGreaterThan(reference!.energy - 1e-9);
    expect(run.last.error).toBe(0);
    expect(run.last.mean).toBeLessThan(run.energies[0]);
    expect(run.projected).toBeUndefined(); // it is projected already
  }
  const [factored, softmax, spatial] = runs;
  expect(factored.dependence.at(-1)!.layers[0]).toBeLessThan(1e-20);
  expect(softmax.dependence.at(-1)!.layers[0]).toBeGreaterThan(1e-6);
  expect(softmax.parameters - factored.parameters).toBe(2 * 4 * 4);
  expect(spatial.parameters - factored.parameters).toBe(2); // the decay of each head
  expect(lengths.map(({ extents, attention }) => [extents, attention])).toEqual([
    [[4], "softmax"],
    [[8], "softmax"],
  ]);
  expect(report.answer).toMatch(/factored \(positions alone\): energy per site -?0\.\d+, one seed/);
  // the trivial representation does not hold the ground state of a ring of 4k + 2 sites
  const odd = await conducted({ ...tiny, extents: [6], projection: "none", steps: 1, lengths: [] });
  expect(odd.results.measurements!.runs[0].projected).toBeUndefined();
  const once = await conducted({ ...tiny, steps: 1, lengths: [] });
  expect(once.results.measurements!.runs[0].energies[0]).toBe(factored.energies[0]);
});

it("says how ρ changes with the number of patches, by the slope of every seed", () => {
  const run = (seed: number, sites: number, rho: number) =>
    ({
      seed,
      extents: [sites],
      finished: true,
      dependence: [{ step: 9, layers: [rho] }],
    }) as unknown as WavefunctionRun;
  const falling = [1, 2].flatMap((seed) => [8, 16, 24].map((sites) => run(seed, sites, seed * sites ** -seed)));
  expect(exponents(falling)[0].mean).toBeCloseTo(-1.5, 12);
  // half the difference of two slopes, times Student's 12.7
  expect(exponents(falling)[0].high).toBeCloseTo(-1.5 + 12.7062 / 2, 3);
  expect(exponentWords(falling)).toEqual([
    "ρ ∝ n^s with s = -1.50 (-7.85 to 4.85, 95 %, 2 seeds): the interval includes 0.",
  ]);
  const alike = [1, 2].flatMap((seed) => [8, 16].map((sites) => run(seed, sites, sites ** -2)));
  expect(exponentWords(alike)[0]).toMatch(/s = -2\.00 \(-2\.00 to -2\.00, 95 %, 2 seeds\): ρ falls with n\./);
  // a seed without all lengths is left out
  expect(exponents([...alike, run(3, 8, 1)])[0].count).toBe(2);
  expect(exponentWords([run(1, 8, 1)])).toEqual([]);
  expect(exponentWords(alike.slice(0, 2))).toEqual(["ρ ∝ n^s with s = -2.00; one seed says nothing about others."]);
  expect(exponentWords([...alike.slice(0, 3), run(2, 16, 0)])).toEqual([
    "no exponent, because ρ is 0 or not finite in a run.",
  ]);
});

it("finds the ground state of a projected ring of 4k + 2 sites in the basis of Marshall's rule", async () => {
  const ring = { ...tiny, extents: [6], j2: 0, steps: 40, lengths: [], signs: "marshall" } as const;
  const { reference, runs } = (await conducted(ring)).results.measurements!;
  for (const { last } of runs) expect(last.mean / reference!.energy).toBeCloseTo(1, 6);
});

it("has feed-forward layers of four times the width unless it is chosen", () => {
  expect(optionsOf(wavefunction, { width: 60 }).hidden).toBe(240);
  expect(optionsOf(wavefunction, { width: 60, hidden: 8 }).hidden).toBe(8);
});

it.each([
  [[8], [1, 2, 4, 8]],
  [
    [6, 6],
    [1, 4, 32, 64],
  ],
] as const)("projects %j sites with patches of 2 on %j images", (extents, images) => {
  const setting = settingFor(extents, 0);
  for (const [at, projection] of projectionNames.entries())
    expect(problemOf("factored", { ...setting, projection }).ansatz.images).toBe(images[at]);
});

it.each(["draws", "metropolis"] as const)("samples by %s, with error bars that hold", async (sampling) => {
  const { results } = await conducted({ ...tiny, sampling, samples: 256, chains: 16, steps: 3, lengths: [] });
  const exact = await conducted({ ...tiny, steps: 1, lengths: [] });
  for (const [index, { energies, errors, variances }] of results.measurements!.runs.entries()) {
    // the error of 256 draws, larger for correlated ones
    const independent = Math.sqrt(variances[0] / 256) / 8;
    expect(errors[0]).toBeGreaterThanOrEqual(independent * (1 - 1e-9));
    expect(errors[0]).toBeLessThan(3 * independent);
    // The first step starts from the same weights in both.
    expect(Math.abs(energies[0] - exact.results.measurements!.runs[index].energies[0])).toBeLessThan(5 * errors[0]);
  }
});

it(
  "stopped after every step and resumed, takes no step twice and ends with the numbers of an " + "uninterrupted run",
  async () => {
    const configuration: WavefunctionOptions = {
      ...tiny,
      sampling: "metropolis",
      samples: 32,
      chains: 16,
      momentum: 0.8,
      projection: "none",
      steps: 2,
      refinement: 1,
      lengths: [2],
    };
    const timeless = (results: unknown): unknown =>
      JSON.parse(JSON.stringify(results, (name, value: unknown) => (name === "seconds" ? undefined : value)));
    const { results: whole } = await conducted(configuration);
    const steps: string[] = [];
    for (;;) {
      const controller = new AbortController();
      const report = (event: StudyEvent): void => {
        if (event.kind !== "progress") return;
        steps.push(`${event.label} ${event.done}`);
        controller.abort();
      };
      const options = {
        backend: cpu,
        seed: 3,
        out: join(out, "stopped"),
        command: "test",
        resume: true,
        signal: controller.signal,
        report,
      };
      const { results } = await conduct(wavefunction, configuration, options);
      if (results.partial) continue;
      expect(timeless(results.measurements)).toEqual(timeless(whole.measurements));
      break;
    }
    const names = ["factored, 8, seed 3", "softmax, 8, seed 3", "spatial, 8, seed 3"];
    const [runs, lengths] = [names.flatMap((name) => [1, 2, 3].map((step) => `${name} ${step}`)), [1, 2]];
    expect(steps).toEqual([...runs, ...lengths.map((step) => `softmax, 4, seed 3 ${step}`)]);
  },
);

it.each([
  ["amplitudes", 2, 64, 3, 2],
  ["amplitudes", 31, 1, 4, 1],
  ["amplitudes", 64, 1, 4, 2],
  ["derivatives", 1, 64, 2, 1],
  ["derivatives", 11, 256, 16, 11],
] as const)("%s of %d rows with %d images on %d threads are %d parts", (wanted, rows, images, threads, parts) => {
  expect(partsOf(wanted, rows, images, threads)).toBe(parts);
});

it("samples lattices too large to sum over, and shows published energies", async () => {
  const { results } = await conducted({
    ...optionsOf(wavefunction, { extents: [6, 6], width: 4, steps: 1, refinement: 0, samples: 32 }),
    kernels: ["factored"],
    chains: 16,
  });
  const { reference, runs } = results.measurements!;
  expect(reference).toMatchObject({ energy: -0.50381 });
  expect(runs[0].last.error).toBeGreaterThan(0);
  // one step does not yet make the wave function symmetric
  expect(runs[0].projected!.error).toBeGreaterThan(0);
  expect(runs[0].projected!.mean).not.toBe(runs[0].last.mean);
});

it.each([
  [0, -0.7017802005],
  [0.5, -0.5286202095],
  [0.8, -0.627335104],
])("learning rates at J2 = %f stay below what makes the ferromagnet of 4 × 4 sites grow", (j2, lowest) => {
  const ferromagnet = heisenberg(square(4), { j2 }).bonds.reduce((sum, { coupling }) => sum + coupling / 4, 0);
  const share = optionsOf(wavefunction, { extents: [4, 4], j2 }).rate.start * (ferromagnet - 16 * lowest);
  expect(share).toBeGreaterThan(0.6);
  expect(share).toBeLessThan(0.95);
});

it("moving averages join as many values as the window holds", () => {
  expect(movingAverage([1, 2, 3, 4], 2)).toEqual([1.5, 2.5, 3.5]);
});
