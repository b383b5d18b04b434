import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import type { WavefunctionMeasurements } from "../../src/studies/wavefunction/measurements.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";
import { describeGpu } from "../support/gpu.js";
import { optionsOf } from "../support/study.js";
import { difference, FLOAT32_AGREEMENT, installPackage, node, type Installed, type Printed } from "./installed.js";

const commandLine = "node_modules/attention-kernels/dist/cli.js";

const run = async (folder: string, ...args: string[]) => JSON.parse(await node(folder, ...args)) as Printed;

const training = (folder: string, ...args: string[]): Promise<string> => {
  const text = readFileSync(new URL("../../docs/training.md", import.meta.url), "utf8");
  writeFileSync(join(folder, "write.mjs"), /```js\n([^]*?)```/.exec(text)![1]);
  writeFileSync(join(folder, "text.txt"), "a rose is a rose is a rose. ".repeat(20));
  return node(folder, "write.mjs", "text.txt", ...args);
};
const expectLearned = (printed: string): void => {
  const losses = [...printed.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
  expect(losses[0]).toBeGreaterThan(2);
  expect(losses.at(-1)).toBeLessThan(0.5);
  expect(printed).toMatch(/"a rose i[a-z. ]{24}"\n$/);
};

describe("the packed tarball in Node", () => {
  let bare: Installed;
  beforeAll(() => {
    bare = installPackage([]);
  });
  afterAll(() => bare.remove());

  it("holds what users need and nothing else", () => {
    expect(bare.files).toEqual(
      expect.arrayContaining(["LICENSE", "dist/cli.js", "dist/cjs/index.js", "dist/index.js"]),
    );
    expect(
      bare.files.filter((file) => !/^(dist|docs)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(file)),
    ).toEqual([]);
  });

  it("gives ES modules and CommonJS the same names and numbers, without webgpu installed", async () => {
    const module = await run(bare.folder, "module.mjs");
    const commonjs = await run(bare.folder, "commonjs.cjs");
    expect(module.names).toEqual(commonjs.names);
    expect(module.names).toEqual(
      expect.arrayContaining([
        "attention",
        "checkConvergence",
        "cpu",
        "gaussian",
        "gradcheck",
        "requestGpu",
        "softmax",
        "valueAndGrad",
        "wrapDevice",
      ]),
    );
    expect(module.cpu).toEqual(commonjs.cpu);
    expect(difference(module.cpu, module.cpu)).toBe(0);
  });

  it.each(["README.md", "docs/own-kernel.md"])("prints what %s says", async (page) => {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
    const [, code, printed] = /```js\n([^]*?)```\n+```text\n([^]*?)```/.exec(text)!;
    writeFileSync(join(bare.folder, "page.mjs"), code);
    expect(await node(bare.folder, "page.mjs")).toBe(printed);
  });

  it("writes as docs/training.md says, on the CPU", async () =>
    expectLearned(await training(bare.folder, "cpu", "60")));

  it("says how to get webgpu where it is missing", async () => {
    const script =
      'import("attention-kernels").then((m) => m.requestGpu()).catch((e) => console.log(e.name, e.message))';
    expect(await node(bare.folder, "-e", script)).toMatch(/^UnsupportedError .*npm install webgpu/);
  });

  it("has a command line", async () => {
    expect(await node(bare.folder, commandLine, "--help")).toMatch(/study/);
  });

  const chosen = { sampling: "metropolis", projection: "none", width: 4, samples: 256, steps: 2, seeds: 1 } as const;
  const study = (out: string, precision = "float64"): Promise<string> =>
    node(
      bare.folder,
      commandLine,
      ...["study", "wavefunction", "--backend", "cpu"],
      ...Object.entries({ ...chosen, precision, chain: 16, seed: 5, out }).flatMap(([name, value]) => [
        `--${name}`,
        String(value),
      ]),
    );

  it("samples wave functions by threads, with the numbers of one, in float64 and float32", async () => {
    const first = { float64: [] as number[], float32: [] as number[] };
    for (const precision of ["float64", "float32"] as const) {
      await study("out", precision);
      const { measurements } = JSON.parse(readFileSync(join(bare.folder, "out/results.json"), "utf8")) as {
        readonly measurements: WavefunctionMeasurements;
      };
      const setting = { backend: cpu, seed: 5, out: join(bare.folder, `alone-${precision}`), command: "test" };
      const options = optionsOf(wavefunction, { ...chosen, precision, extents: [16] });
      const alone = await conduct(wavefunction, options, setting);
      for (const [at, run] of alone.results.measurements!.runs.entries()) {
        const { energies, last, maps } = measurements.runs[at];
        expect({ energies, last, maps }).toEqual({ energies: run.energies, last: run.last, maps: run.maps });
      }
      first[precision] = measurements.runs.map(({ energies }) => energies[0]);
    }
    for (const [at, energy] of first.float32.entries()) {
      expect(energy).not.toBe(first.float64[at]);
      expect(energy).toBeCloseTo(first.float64[at], 5);
    }
  });

  const whenAsked = 'parentPort.on("message", (message) => { if ("wanted" in message) fail(); });';
  it.runIf(availableParallelism() > 1).each([
    ["when it is asked", whenAsked],
    ["at its start", "fail();"],
  ])("stops a study of wave functions with the error of a thread: %s", async (_, code) => {
    writeFileSync(
      join(bare.folder, dirname(commandLine), "wavefunction-thread.js"),
      'import { parentPort } from "node:worker_threads"; const fail = () => { throw new Error("planted"); };' + code,
    );
    await expect(study("broken")).rejects.toThrow("planted");
  });
});

describeGpu("the packed tarball in Node with webgpu", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPackage(["webgpu"]);
  });
  afterAll(() => installed.remove());

  for (const script of ["module.mjs", "commonjs.cjs"]) {
    it(`computes on the GPU what the CPU computes: ${script}`, async () => {
      const { cpu, gpu } = await run(installed.folder, script, "gpu");
      expect(difference(cpu, gpu!)).toBeLessThan(FLOAT32_AGREEMENT);
    });
  }

  it("writes as docs/training.md says", async () => expectLearned(await training(installed.folder, "gpu", "60")));

  it("trains 1000 steps in constant memory, learns, and lets Node end", async () => {
    // A small young generation, so that its growth is not taken for a leak.
    const printed = JSON.parse(await node(installed.folder, "--expose-gc", "--max-semi-space-size=4", "train.mjs")) as {
      readonly losses: readonly number[];
      readonly early: Readonly<Record<"device" | "process", number>>;
      readonly late: Readonly<Record<"device" | "process", number>>;
      readonly secondsToExit: number;
    };
    expect(printed.late.device).toBeLessThanOrEqual(1.05 * printed.early.device);
    expect(printed.late.process).toBeLessThanOrEqual(1.05 * printed.early.process);
    expect(printed.secondsToExit).toBeLessThan(2);
    expect(printed.losses[0]).toBeGreaterThan(0.5);
    expect(Math.max(...printed.losses.slice(-100))).toBeLessThan(0.1);
  }, 240_000);
});
