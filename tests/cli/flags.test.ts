import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tinyCorpus } from "../support/corpus.js";
import { run } from "../support/command-line.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("draws samples of Pathfinder without training", async () => {
  const out = join(folder, "pictures");
  const { code, stdout } = await run(["study", "pathfinder", "--draw", "--backend", "cpu", "--out", out]);
  expect(code).toBe(0);
  expect(stdout).toContain("Nothing was trained");
  expect((await readdir(out)).sort()).toEqual([
    "report.html",
    "results.json",
    ...[128, 256, 32, 64].map((size) => `samples-${size}.svg`),
  ]);
  const { command } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as { command: string };
  expect(command).toBe("npx attention-kernels study pathfinder --seed 1 --backend cpu --draw");
});

it("runs every experiment of study dynamics with the kernels, seeds and steps of its flags", async () => {
  const out = join(folder, "dynamics");
  const { code } = await run([
    "study",
    "dynamics",
    "--kernels",
    "softmax,sigmoid",
    "--start-heads",
    "4",
    "--start-draws",
    "2",
    "--seeds",
    "1",
    "--steps",
    "3",
    "--seed",
    "5",
    "--backend",
    "cpu",
    "--out",
    out,
  ]);
  expect(code).toBe(0);
  const { measurements } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
    measurements: { trials: { experiment: string; kernel: string; seed: number; steps: number }[] };
  };
  expect([
    ...new Set(
      measurements.trials.map(({ experiment, kernel, seed, steps }) => `${experiment} ${kernel} ${seed} ${steps}`),
    ),
  ]).toEqual(
    ["matrices", "equalValues", "valueScale"].flatMap((name) => [`${name} softmax 5 3`, `${name} sigmoid 5 3`]),
  );
});

it("trains study text on a file of the user's own", async () => {
  const out = join(folder, "text");
  const flags = [
    "--data",
    await tinyCorpus(folder),
    "--tokens",
    "12",
    "--seeds",
    "2",
    "--kernels",
    "softmax,gaussian",
    "--optimizer",
    "adam",
    "--rates",
    "0.001,1e-8",
    "--trials",
    "1",
    "--epochs",
    "1",
    "--examples",
    "32",
    "--backend",
    "cpu",
    "--out",
    out,
  ];
  const { code, stdout } = await run(["study", "text", ...flags]);
  expect(code).toBe(0);
  expect(stdout).toContain("2 paired seeds");
  expect((await readdir(out)).sort()).toEqual([
    "accuracy.svg",
    "loss.svg",
    "monitor-entropy.svg",
    "report.html",
    "results.json",
    "tasks",
  ]);
  const { configuration, measurements } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
    configuration: { unit: string; train: number };
    measurements: { trials: { learningRate: number }[] };
  };
  expect(configuration).toMatchObject({ unit: "words", train: 32, optimizer: "adam" });
  expect(measurements.trials.map(({ learningRate }) => learningRate)).toEqual([0.001, 1e-8, 0.001, 1e-8]);
  const { code: refused, stderr } = await run(["study", "text", "--rates", "0.1,0.1"]);
  expect(refused).toBe(2);
  expect(stderr).toContain("1 to 16 different numbers, separated by commas, each a number from 1e-9 to 1000");
});

it("trains study symmetric and study elliptical with the kernels, seeds and sizes of their flags", async () => {
  const data = [
    "--data",
    await tinyCorpus(folder),
    "--tokens",
    "4",
    "--seeds",
    "1",
    "--epochs",
    "1",
    "--seed",
    "5",
    "--backend",
    "cpu",
  ];
  const runsOf = async (name: string, ...flags: string[]): Promise<string[]> => {
    const out = join(folder, name);
    const { code, stderr } = await run(["study", name, ...data, ...flags, "--out", out]);
    expect([code, stderr]).toEqual([0, ""]);
    const { measurements } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
      measurements: { runs: { kernel: string; seed: number; losses?: number[] }[] };
    };
    return measurements.runs.map(
      ({ kernel, seed, losses }) => `${kernel} ${seed}${losses === undefined ? "" : ` ${losses.length}`}`,
    );
  };
  // two batches of 32
  expect(await runsOf("symmetric", "--kernels", "softmax,pairwise", "--windows", "64")).toEqual([
    "softmax 5 2",
    "pairwise 5 2",
  ]);
  expect(await runsOf("elliptical", "--kernels", "mahalanobis", "--examples", "16")).toEqual([
    "mahalanobis 5",
    "mahalanobis 5",
  ]);
});

it("gives rings of study wavefunction the projection, sampling and draws of its flags", async () => {
  const out = join(folder, "rings");
  const flags = [
    "--seeds",
    "0",
    "--lengths",
    "2,4",
    "--steps",
    "1",
    "--length-seeds",
    "1",
    "--width",
    "4",
    "--projection",
    "translations",
    "--sampling",
    "draws",
    "--samples",
    "32",
  ];
  const { code, stderr } = await run(["study", "wavefunction", ...flags, "--backend", "cpu", "--out", out]);
  expect([code, stderr]).toEqual([0, ""]);
  const { measurements } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
    measurements: { lengths: { extents: number[]; last: { error: number } }[] };
  };
  expect(measurements.lengths.map(({ extents }) => extents)).toEqual([[4], [8]]);
  expect(measurements.lengths[1].last.error).toBeGreaterThan(0);
  expect(await readFile(join(out, "report.html"), "utf8")).toContain(
    "8 sites: projected on invariance under all translations, over 32 independent draws",
  );
});

it("trains study potts with the sizes of its flags", async () => {
  const out = join(folder, "potts");
  const { code, stdout } = await run([
    "study",
    "potts",
    "--sites",
    "4",
    "--colours",
    "2",
    "--samples",
    "1000",
    "--epochs",
    "1",
    "--seeds",
    "1",
    "--layers",
    "2",
    "--backend",
    "cpu",
    "--out",
    out,
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Correlation with J: factored 0\.\d+, softmax 2 layers/);
  const { measurements } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
    measurements: { truths: { couplings: number[] }[] };
  };
  expect(measurements.truths.map(({ couplings }) => couplings.length)).toEqual([6]);
});
