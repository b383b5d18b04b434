import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { cpu } from "../../src/cpu/cpu.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { text } from "../../src/studies/text/study.js";
import { chosenRate } from "../../src/studies/comparison/rates.js";
import { secondsOf, smoothed, speedStatements, speedTable } from "../../src/studies/comparison/speed.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

const folder = mkdtempSync(join(tmpdir(), "texts-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "texts.jsonl");
const source = random(1);
const word = (words: readonly string[]): string => words[Math.floor(source.uniform() * words.length)];
/** Sixty different texts whose words determine the class. */
writeFileSync(
  file,
  Array.from({ length: 60 }, (_, index) => {
    const words = index % 2 ? ["cheap", "prize", "money", "now"] : ["meeting", "notes", "code", "review"];
    return JSON.stringify({
      text: [word(words), word(words), word(words), `t${"abcdefgh"[index % 8]}${"abcdefgh"[index >> 3]}`].join(" "),
      label: index % 2 ? "spam" : "ham",
    });
  }).join("\n"),
);
const tiny = optionsOf(text, {
  data: file,
  kernels: ["softmax", "gaussian"],
  seeds: 2,
  tokens: 4,
  train: 32,
  test: 16,
  width: 8,
  hidden: 8,
  layers: 1,
  batch: 8,
  epochs: 3,
  rates: [0.1],
});

const measure = (options: typeof tiny) => measurementsOf(text, options, 3);
type TextMeasurements = Awaited<ReturnType<typeof measure>>;

/** The measurements without times. */
const numbers = (measurements: TextMeasurements): string =>
  JSON.stringify(measurements, (key, value: unknown) => (key === "seconds" ? 0 : value));
const report = (measurements: TextMeasurements | undefined) => stoppedReport(text, tiny, measurements, 3);

/** Both kernels on one seed, at one of two rates that are tried on another. */
const tried = { ...tiny, rates: [1e-6, 0.1], trials: 1, seeds: 1 };

let alone: TextMeasurements;
let chosen: TextMeasurements;
beforeAll(async () => {
  alone = await measure(tiny);
  chosen = await measure(tried);
});

describe("study text", () => {
  it("trains every kernel on every seed with equal budgets, the loss falls, and it repeats bit for bit", async () => {
    const { data, runs } = alone;
    expect(
      runs.map(({ kernel, seed, epochs, losses }) => `${kernel} ${seed} ${epochs.length} ${losses.length}`),
    ).toEqual(["softmax 3 3 12", "gaussian 3 3 12", "softmax 4 3 12", "gaussian 4 3 12"]);
    expect(data.map(({ train, test, majority }) => [train, test, majority])).toEqual([
      [32, 16, 0.5],
      [32, 16, 0.5],
    ]);
    for (const { epochs } of runs) expect(epochs[2].trainLoss).toBeLessThan(epochs[0].trainLoss);
    const first = { ...alone, data: data.slice(0, 1), runs: runs.slice(0, 2) };
    expect(numbers(await measure({ ...tiny, seeds: 1 }))).toBe(numbers(first));
  });

  it("reads bytes", async () => {
    const { data, runs } = await measure({
      ...tiny,
      unit: "bytes",
      tokens: 24,
      vocabulary: optionsOf(text, text.presets!.full.options).vocabulary,
      seeds: 1,
      epochs: 1,
    });
    // letters and the space, padding and unknown
    expect(data[0].vocabulary).toBeGreaterThan(15);
    expect(data[0].vocabulary).toBeLessThan(30);
    expect(runs).toHaveLength(2);
  });

  it("shows the accuracy with intervals, the paired difference, and curves with bands over seeds", () => {
    const { blocks, answer } = report(alone);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual(["accuracy", "loss", "monitor-entropy"]);
    for (const svg of figures.map(drawFigure)) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg).toMatch(/fill-opacity="0\.18"/);
    }
    expect(answer).toMatch(
      new RegExp(
        String.raw`^Test accuracy: softmax [\d.]+ %, gaussian [\d.]+ % ` +
          String.raw`\(always answering the most frequent class: 50\.0 %\)\. gaussian minus softmax: `,
      ),
    );
    expect(answer).toContain("2 paired seeds");
    const tables = blocks.flatMap((block) => (block.kind === "table" ? [block] : []));
    expect(tables.map(({ title }) => title)).toContain("Steps to a training loss");
    expect(tables.map(({ title }) => title)).not.toContain("Learning rates tried");
  });

  it("says that no run was finished", () => {
    expect(report(undefined).answer).toBe("The study was stopped before its first result.");
    const runs = alone.runs.map((run) => ({ ...run, epochs: run.epochs.slice(0, 1) }));
    expect(report({ ...alone, runs }).answer).toBe("The study was stopped before a model was trained to its end.");
  });

  it("compares each kernel at the rate that is best for it on other seeds", () => {
    const { trials, runs } = chosen;
    expect(trials.map(({ kernel, seed, learningRate }) => [kernel, seed, learningRate])).toEqual(
      ["softmax", "gaussian"].flatMap((kernel) => tried.rates.map((rate) => [kernel, 1003, rate])),
    );
    expect(runs.map(({ kernel, seed, learningRate }) => [kernel, seed, learningRate])).toEqual([
      ["softmax", 3, 0.1],
      ["gaussian", 3, 0.1],
    ]);
    // the rate is all that the trials decide
    expect(runs.map(({ losses }) => losses)).toEqual(alone.runs.slice(0, 2).map(({ losses }) => losses));
    const table = stoppedReport(text, tried, chosen, 3).blocks.find(
      (block) => block.kind === "table" && block.title === "Learning rates tried",
    );
    expect(table?.kind === "table" && table.rows.map((row) => [row[0], row[1], row[4]])).toEqual([
      ["softmax", "0.000001", ""],
      ["softmax", "0.1", "yes, at the edge of the rates tried"],
      ["gaussian", "0.000001", ""],
      ["gaussian", "0.1", "yes, at the edge of the rates tried"],
    ]);
  });

  it("goes on after a stop to the same numbers", async () => {
    const out = join(folder, "stopped");
    const run = async (stopAt?: string): Promise<string> => {
      const controller = new AbortController();
      const { results } = await conduct(text, tried, {
        backend: cpu,
        seed: 3,
        command: "test",
        out,
        resume: true,
        signal: controller.signal,
        report: (event) =>
          event.kind === "progress" && event.label === stopAt && event.done === 6 && controller.abort(),
      });
      expect(results.partial).toBe(stopAt !== undefined);
      return numbers(results.measurements!);
    };
    const whole = numbers(chosen);
    expect(await run("gaussian seed 3")).not.toBe(whole);
    expect(await run()).toBe(whole);
  });

  it("takes steps of the optimizer that it names", async () => {
    const [sgd] = alone.runs;
    const [adam] = (await measure({ ...tiny, optimizer: "adam", seeds: 1, epochs: 1, kernels: ["softmax"] })).runs;
    expect(adam.losses[0]).toBe(sgd.losses[0]);
    expect(adam.losses[1]).not.toBe(sgd.losses[1]);
  });

  it("refuses an unknown kernel before it trains", async () => {
    await expect(measure({ ...tiny, kernels: ["softmax", "nothing"] })).rejects.toThrow(ArgumentError);
  });
});

describe("the choice of a learning rate", () => {
  const trial = (learningRate: number, seed: number, ...testLosses: number[]) => ({
    kernel: "softmax",
    seed,
    learningRate,
    epochs: testLosses.map((testLoss, epoch) => ({
      epoch: epoch + 1,
      trainLoss: 1,
      testLoss,
      testAccuracy: 1,
      seconds: 1,
    })),
    losses: [],
  });

  it("is by the mean over seeds of the least held-out loss", () => {
    const trials = [
      trial(0.1, 1, 0.5, 0.9),
      trial(0.1, 2, 0.7, 0.9),
      trial(0.2, 1, 0.8, 0.55),
      trial(0.2, 2, 0.8, 0.6),
    ];
    expect(chosenRate(trials, { rates: [0.1, 0.2] })).toBe(0.2);
    expect(chosenRate(trials.slice(0, 3), { rates: [0.1, 0.2] })).toBe(0.2);
    expect(chosenRate([trials[0], trials[2]], { rates: [0.1, 0.2] })).toBe(0.1);
  });

  it("takes no rate of which a run diverged, and the only rate without trials", () => {
    expect(chosenRate([trial(0.3, 1, 0.1, NaN), trial(0.1, 1, 0.9)], { rates: [0.3, 0.1] })).toBe(0.1);
    expect(chosenRate([], { rates: [0.4] })).toBe(0.4);
  });
});

describe("steps to a training loss", () => {
  /** Two epochs of `steps` steps; the loss falls evenly from ln 2 to 0. */
  const falling = (kernel: string, seed: number, steps: number, least = 0) => ({
    kernel,
    seed,
    epochs: [1, 2].map((epoch) => ({ epoch, trainLoss: 1, testLoss: 1, testAccuracy: 1, seconds: 3 * epoch })),
    losses: Array.from({ length: 2 * steps }, (_, step) => Math.max(least, Math.LN2 * (1 - step / (2 * steps)))),
  });

  it("are counted on the mean over the last batches", () => {
    expect(smoothed([4, 2, 0, 4], 2)).toEqual([
      { steps: 2, loss: 3 },
      { steps: 3, loss: 1 },
      { steps: 4, loss: 2 },
    ]);
    const run = falling("softmax", 1, 100);
    expect([0, 50, 100, 150, 200].map((steps) => secondsOf(run, steps))).toEqual([0, 1.5, 3, 6, 9]);
  });

  it("are compared seed by seed, with the runs that never reach a loss by name", () => {
    // the mean over 32 batches falls to ln 2/2 half of the way and half a window later
    const runs = [1, 2].flatMap((seed) => [
      falling("softmax", seed, 100),
      { ...falling("gaussian", seed, 100), losses: falling("gaussian", seed, 50).losses },
    ]);
    const half = speedTable(runs, 2).rows.slice(2, 4);
    expect(half.map((row) => row.slice(1, 3))).toEqual([
      ["softmax", "2 of 2"],
      ["gaussian", "2 of 2"],
    ]);
    for (const [row, steps] of [116.5, 66.5].entries()) expect(Math.abs(Number(half[row][3]) - steps)).toBeLessThan(1);
    expect(half[1][5]).toMatch(/^0\.57 /);
    expect(speedStatements(runs, 2)).toEqual([
      "To the training loss 0.347 gaussian took 0.57 (0.57 to 0.57) times the steps of softmax, 95 % interval, " +
        "2 paired seeds: gaussian is faster.",
    ]);
    const stuck = [...runs, falling("softmax", 3, 100), falling("gaussian", 3, 100, 0.6)];
    const [statement] = speedStatements(stuck, 2);
    expect(statement).toContain("gaussian 2 of 3, not 3; softmax 3 of 3");
    expect(statement).toContain("undecided");
    expect(speedTable(stuck, 2).rows[3]).toEqual(expect.arrayContaining(["2 of 3, not 3", "2"]));
    const never = [falling("softmax", 3, 100), falling("gaussian", 3, 100, 0.6)];
    expect(speedTable(never, 2).rows[3].slice(2)).toEqual(["0 of 1, not 3", "–", "–", "–", "–", "0"]);
    expect(speedStatements(never, 2)[0]).toMatch(/undecided\.$/);
  });
});
