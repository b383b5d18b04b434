import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tinyCorpus } from "../support/corpus.js";
import { run } from "../support/command-line.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

const study = (...flags: string[]): string[] => [
  "study",
  "convergence",
  "--backend",
  "cpu",
  "--out",
  join(folder, "out"),
  ...flags,
];

describe("bad input gives exit code 2 and one line on stderr", () => {
  const cases: readonly [title: string, argv: () => string[], message: RegExp][] = [
    ["an unknown option", () => study("--colour"), /unknown option '--colour'/],
    ["an unknown command", () => ["learn"], /unknown command 'learn'/],
    ["an unknown study", () => ["study", "nothing"], /unknown command 'nothing'/],
    ["no study", () => ["study"], /--help/],
    ["a seed that is no number", () => study("--seed", "x"), /--seed.*'x' is invalid.*whole number/],
    ["a backend that does not exist", () => study("--backend", "tpu"), /'tpu' is invalid.*auto, gpu, cpu/],
    ["too many arguments", () => study("extra"), /too many arguments/],
    [
      "a kind of picture that does not exist",
      () => ["study", "pathfinder", "--difficulty", "hardest"],
      /'hardest' is invalid.*easy, 32-6, 32-9, 32-14, 64-6/,
    ],
    ["a shard that does not exist", () => study("--shard", "3/2"), /'3\/2' is invalid.*i from 1 to n/],
    [
      "a choice that fits no run",
      () => ["study", "dynamics", "--backend", "cpu", "--only", "gauss", "--out", join(folder, "out")],
      new RegExp(
        '--only: wanted words of the name of a run, such as "matrices query softmax seed 1": ' +
          "matrices, query, softmax, seed, .*got gauss",
      ),
    ],
    [
      "a choice of which one part fits no run",
      () => ["study", "dynamics", "--backend", "cpu", "--only", "gaussian,gauss", "--out", join(folder, "out")],
      /--only: wanted words of the name of a run, .*got gauss\./,
    ],
    [
      "patches that do not fill a lattice",
      () => ["study", "wavefunction", "--patch", "3", "--backend", "cpu", "--out", join(folder, "out")],
      /--patch: wanted a divisor of 4 × 4 sites, got 3/,
    ],
    [
      "a ring without its ground state",
      () => ["study", "wavefunction", "--chain", "6", "--backend", "cpu", "--out", join(folder, "out")],
      /--chain: wanted a multiple of four sites.*got 6 sites.*--signs marshall, or --projection none/,
    ],
    [
      "a ring to grow to without its ground state",
      () => ["study", "wavefunction", "--lengths", "4,5", "--backend", "cpu", "--out", join(folder, "out")],
      /--lengths: wanted a multiple of four sites.*got 10 sites/,
    ],
    [
      "a spin without a partner",
      () => ["study", "wavefunction", "--side", "5", "--patch", "1", "--backend", "cpu", "--out", join(folder, "out")],
      /--side: wanted an even number of sites.*got 25 sites/,
    ],
    [
      "a square that is a ring",
      () => ["study", "wavefunction", "--side", "6", "--chain", "12"],
      /'--side <n>' cannot be used with option '--chain <n>'/,
    ],
    [
      "a refinement on the symmetries that every step has",
      () => ["study", "wavefunction", "--refine", "3", "--backend", "cpu", "--out", join(folder, "out")],
      /--refine: wanted 0 where every step.*got 3.*--projection translations or none/,
    ],
    [
      "a refinement on the space group of every step",
      () => ["study", "wavefunction", "--projection", "space-group", "--refine", "3", "--out", join(folder, "out")],
      /--refine: wanted 0 where every step.*space group already, got 3/,
    ],
    [
      "a refinement of nothing",
      () => ["study", "wavefunction", "--side", "6", "--seeds", "0", "--refine", "3", "--out", join(folder, "out")],
      /--refine: wanted 0 without --seeds, got 3/,
    ],
    [
      "heads of unequal width",
      () => ["study", "wavefunction", "--heads", "3", "--backend", "cpu", "--out", join(folder, "out")],
      /--heads: wanted a divisor of the width 8, got 3/,
    ],
    [
      "fewer than two draws for each chain",
      () => [
        "study",
        "wavefunction",
        "--side",
        "6",
        "--samples",
        "64",
        "--backend",
        "cpu",
        "--out",
        join(folder, "out"),
      ],
      /--samples: wanted a multiple of 64, at least 128.*got 64/,
    ],
    [
      "nothing to optimise",
      () => ["study", "wavefunction", "--seeds", "0", "--backend", "cpu", "--out", join(folder, "out")],
      /--seeds: wanted one or more, or --lengths.*got 0/,
    ],
    ["a kernel twice", () => ["study", "symmetric", "--kernels", "softmax, softmax"], /different names of kernels/],
    [
      "windows longer than texts",
      () => ["study", "symmetric", "--tokens", "65", "--backend", "cpu", "--out", join(folder, "out")],
      /--tokens of at most 64/,
    ],
    [
      "a data file that is not there",
      () => study("--data", join(folder, "absent.csv")),
      /absent\.csv: wanted a readable file/,
    ],
  ];
  it.each(cases)("%s", async (_, argv, message) => {
    const { code, stderr } = await run(argv());
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("a malformed data file, with its line number, and earlier results stay", async () => {
    const path = join(folder, "bad.csv");
    await writeFile(path, "text,label\nfine,ham\n,spam\n");
    const { code, stderr } = await run(study("--data", path));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^readCorpus: .*bad\.csv, line 3: wanted a non-empty string in text.*\n$/);
    expect(await readdir(folder)).toEqual(["bad.csv"]);
  });
});

it("prints help and version with exit code 0", async () => {
  expect(await run(["--version"])).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/) as string,
    stderr: "",
  });
  const { code, stdout } = await run(["study", "convergence", "--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/--data <path>/);
  expect((await run([])).stdout).toMatch(/Usage: attention-kernels/);
});

it("runs a study on a file of the user's own and says how to repeat it", async () => {
  const path = await tinyCorpus(folder);
  const { code, stdout, stderr } = await run(study("--data", path, "--steps", "40", "--epochs", "1", "--seed", "5"));
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Adapter: CPU backend/);
  expect((await readdir(join(folder, "out"))).sort()).toEqual([
    "guarantee.svg",
    "report.html",
    "results.json",
    "tasks",
    "test-accuracy.svg",
    "training-loss.svg",
  ]);
  const results = JSON.parse(await readFile(join(folder, "out", "results.json"), "utf8")) as {
    partial: boolean;
    command: string;
    measurements: {
      guarantee: { certified: boolean; bounded?: boolean }[];
      learning: { kernel: string; epochs: unknown[] }[];
    };
  };
  expect(results.partial).toBe(false);
  expect(results.command).toBe(
    `npx attention-kernels study convergence --seed 5 --backend cpu --steps 40 --epochs 1 --data ${path}`,
  );
  expect(results.measurements.guarantee).toHaveLength(6);
  expect(results.measurements.guarantee.filter(({ certified }) => certified).every(({ bounded }) => bounded)).toBe(
    true,
  );
  expect(results.measurements.learning.map(({ kernel, epochs }) => [kernel, epochs.length])).toEqual([
    ["softmax", 1],
    ["gaussian", 1],
  ]);
});

it("runs the chosen runs, and with more seeds only new ones", async () => {
  const out = join(folder, "out");
  const dynamics = (...flags: string[]) =>
    run([
      "study",
      "dynamics",
      "--backend",
      "cpu",
      "--kernels",
      "softmax,gaussian",
      "--start-heads",
      "4",
      "--start-draws",
      "2",
      "--steps",
      "5",
      "--out",
      out,
      ...flags,
    ]);
  const trials = async () => {
    const { measurements, part } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
      measurements: { trials: { kernel: string; seed: number }[] };
      part?: string;
    };
    return {
      count: measurements.trials.length,
      kernels: [...new Set(measurements.trials.map(({ kernel }) => kernel))],
      part,
    };
  };
  expect(await dynamics("--seeds", "1", "--only", "query gaussian,scales 2 gaussian")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Done in \d+ s: only query gaussian, scales 2 gaussian; results/) as string,
  });
  expect(await trials()).toEqual({ count: 3, kernels: ["gaussian"], part: "only query gaussian, scales 2 gaussian" });
  const path = join(out, "tasks", "matrices-query-gaussian-seed-1.json");
  const { mtimeMs } = await stat(path);
  expect((await dynamics("--seeds", "2", "--resume")).code).toBe(0);
  expect(await trials()).toEqual({ count: 52, kernels: ["softmax", "gaussian"], part: undefined });
  expect((await stat(path)).mtimeMs).toBe(mtimeMs);
});

it("stops with exit code 130 when told to, and leaves partial results", async () => {
  const controller = new AbortController();
  const path = await tinyCorpus(folder);
  setTimeout(() => controller.abort(), 500);
  const { code, stdout } = await run(study("--data", path), controller.signal);
  expect(code).toBe(130);
  expect(stdout).toMatch(/Stopped; what was computed so far/);
  const results = JSON.parse(await readFile(join(folder, "out", "results.json"), "utf8")) as { partial: boolean };
  expect(results.partial).toBe(true);
});
