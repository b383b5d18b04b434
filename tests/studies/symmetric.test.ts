import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { max, mean, multiply } from "../../src/autograd/ops.js";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import type { Tensor } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { attentionMap } from "../../src/kernels/attention-map.js";
import { stepsTo } from "../../src/studies/comparison/steps.js";
import { encoderKernel } from "../../src/studies/kernels.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { repeatSequences } from "../../src/studies/symmetric/sequences.js";
import { compareSteps, heldOutCurve, plateauRatio, plateauSteps } from "../../src/studies/symmetric/steps.js";
import { symmetric } from "../../src/studies/symmetric/study.js";
import { tinyCorpus } from "../support/corpus.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

let folder = "";
let tiny = optionsOf(symmetric);
type SymmetricMeasurements = NonNullable<ReturnType<typeof symmetric.gather>>;
let measurements: SymmetricMeasurements;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "symmetric-"));
  const small = {
    texts: 20,
    testTexts: 16,
    length: 8,
    tokens: 4,
    train: 32,
    test: 16,
    vocabulary: 20,
    width: 8,
    hidden: 8,
    layers: 1,
    batch: 8,
    epochs: 5,
    learningRate: 0.02,
  };
  tiny = {
    ...optionsOf(symmetric),
    ...small,
    kernels: ["softmax", "symmetric", "pairwise"],
    data: await tinyCorpus(folder),
    seeds: 2,
  };
  measurements = await measurementsOf(symmetric, tiny, 3);
});
afterAll(() => rm(folder, { recursive: true }));

const report = (measured: SymmetricMeasurements | undefined) => stoppedReport(symmetric, tiny, measured, 3);
const curve = (seed: number, kernel: string, ...testLosses: number[]) => ({
  kernel,
  seed,
  parameters: 1,
  attentionParameters: 1,
  losses: Array<number>(10 * testLosses.length).fill(1),
  epochs: testLosses.map((testLoss, epoch) => ({ epoch: epoch + 1, trainLoss: 1, testLoss, seconds: 1 })),
});

describe("study symmetric", () => {
  it("trains every kernel on every seed with equal budgets, and the loss falls", () => {
    const { data, runs } = measurements;
    expect(
      runs.map(({ kernel, seed, epochs, losses }) => `${kernel} ${seed} ${epochs.length} ${losses.length}`),
    ).toEqual([3, 4].flatMap((seed) => ["softmax", "symmetric", "pairwise"].map((kernel) => `${kernel} ${seed} 5 20`)));
    for (const { epochs } of runs) expect(epochs[4].trainLoss).toBeLessThan(epochs[0].trainLoss);
    expect(data.map(({ train, test }) => [train, test])).toEqual([
      [32, 16],
      [32, 16],
    ]);
  });

  it("counts parameters: one key projection less, one free matrix per head more", () => {
    const of = (kernel: string) => measurements.runs.find((run) => run.kernel === kernel)!;
    const { width, heads } = tiny;
    expect(of("softmax").attentionParameters).toBe(4 * width ** 2);
    expect(of("symmetric").attentionParameters).toBe(3 * width ** 2);
    expect(of("pairwise").attentionParameters).toBe(3 * width ** 2 + heads * (width / heads) ** 2);
    expect(of("softmax").parameters - of("symmetric").parameters).toBe(width ** 2);
  });

  it("repeats bit for bit", async () => {
    const losses = ({ runs }: SymmetricMeasurements) => runs.map((run) => run.losses);
    const again = await measurementsOf(symmetric, { ...tiny, seeds: 1, kernels: ["softmax", "pairwise"] }, 3);
    expect(losses(again)).toEqual(
      losses({
        ...measurements,
        runs: measurements.runs.filter(({ kernel, seed }) => seed === 3 && kernel !== "symmetric"),
      }),
    );
  });

  it("shows curves with bands, and the published numbers of parameters, counted", () => {
    const { blocks } = report(measurements);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual(["held-out-loss", "training-loss", "monitor-entropy"]);
    for (const svg of figures.map(drawFigure)) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.match(/fill-opacity="0\.18"/g)).toHaveLength(3);
    }
    const published = blocks.find((block) => block.kind === "table" && block.title.startsWith("Parameters"));
    const rows = published?.kind === "table" ? published.rows : [];
    expect(rows).toHaveLength(6);
    for (const [, , wanted, counted] of rows) expect(counted).toBe(wanted);
    expect(rows[0][2]).toBe("124,645,632");
  });

  it("trains on sequences that repeat, new ones in every epoch, from a start like BERT's", async () => {
    const chosen = {
      task: "repeats",
      tokens: 8,
      train: 32,
      test: 16,
      width: 8,
      hidden: 8,
      batch: 8,
      epochs: 2,
      warmup: 2,
      seeds: 1,
    } as const;
    const repeats = optionsOf(symmetric, chosen);
    expect(repeats).toMatchObject({ norm: "post", spread: 0.55, heads: 4, learningRate: 3e-4 });
    expect(optionsOf(symmetric, { task: "repeats" }).warmup).toBe(40);
    const measured = await measurementsOf(symmetric, repeats, 3);
    expect(measured.runs.map(({ kernel }) => kernel)).toEqual([
      "softmax",
      "softmaxUnscaled",
      "symmetric",
      "pairwise",
      "pairwiseScaled",
    ]);
    expect(new Set(measured.runs.map(({ losses }) => losses[0])).size).toBe(5);
    const { blocks } = stoppedReport(symmetric, repeats, measured, 3);
    const plateau = blocks.find((block) => block.kind === "table" && block.title.startsWith("Steps to leave"));
    expect(plateau?.kind === "table" && plateau.rows.map((row) => row[1])).toEqual(Array(5).fill("0 of 1"));

    // each of these decides the training; the learning rate does from the second batch on
    const lossesOf = async (changed: Partial<typeof repeats>): Promise<readonly number[]> =>
      (await measurementsOf(symmetric, { ...repeats, ...changed, kernels: ["softmax"] }, 3)).runs[0].losses;
    const losses = await lossesOf({});
    expect((await lossesOf({ norm: "pre" }))[0]).not.toBe(losses[0]);
    expect((await lossesOf({ spread: 1 }))[0]).not.toBe(losses[0]);
    const warm = await lossesOf({ warmup: 0 });
    expect(warm[0]).toBe(losses[0]);
    expect(warm[1]).not.toBe(losses[1]);
  });

  it("draws sequences that repeat: new ones in every epoch, the same in every task", () => {
    const repeats = optionsOf(symmetric, { task: "repeats", tokens: 8, train: 32, test: 16 });

    const sequences = repeatSequences(repeats, 5);
    const next = sequences.train();
    const epochs = [next(), next()];
    for (const { ids } of [...epochs, sequences.test])
      for (let start = 0; start < ids.length; start += 8)
        expect(ids.slice(start, start + 4)).toEqual(ids.slice(start + 4, start + 8));
    expect(epochs[0].ids).not.toEqual(epochs[1].ids);
    expect(sequences.train()().ids).toEqual(epochs[0].ids);
    expect(() => symmetric.check!({ ...repeats, warmup: 0, tokens: 7 })).toThrow("--tokens");
    expect(() => symmetric.check!({ ...repeats, epochs: 2 })).toThrow("--warmup");
    expect(() => symmetric.check!({ ...repeats, warmup: 0, data: "texts.csv" })).toThrow("--data");
  });

  it("says that no run was finished, and refuses an unknown kernel", async () => {
    expect(report(undefined).answer).toBe("The study was stopped before its first result.");
    const unfinished = measurements.runs.map((run) => ({ ...run, epochs: run.epochs.slice(0, 2) }));
    expect(report({ ...measurements, runs: unfinished }).answer).toBe(
      "The study was stopped before a model was trained to its end.",
    );
    await expect(measurementsOf(symmetric, { ...tiny, kernels: ["factored", "differential"] }, 3)).rejects.toThrow(
      ArgumentError,
    );
  });
});

it("scores divided by d spread like those of softmax, for P from N(0, 1)", async () => {
  const [tokens, dim] = [32, 16];
  const source = random(1);
  const draw = (): Tensor => cpu.tensor(source.normals(2 * tokens * dim), [1, 2, tokens, dim]);
  const [q, k] = [draw(), draw()];
  const coupling = cpu.tensor(source.normals(2 * dim * dim), [2, dim, dim]);
  // the largest weight of a row measures the spread of its scores
  const largest = async (name: string): Promise<number> => {
    const map = attentionMap(encoderKernel(name), { q, k, v: k, ...(name === "softmax" ? {} : { coupling }) });
    return (await mean(max(map, -1)).read())[0];
  };
  const [softmax, scaled, paper] = [
    await largest("softmax"),
    await largest("pairwiseScaled"),
    await largest("pairwise"),
  ];
  expect(Math.abs(scaled - softmax)).toBeLessThan(0.3 * softmax);
  expect(paper).toBeGreaterThan(2 * softmax);
});

it("without scale, scores are √d times those of softmax", async () => {
  const source = random(2);
  const draw = (): Tensor => cpu.tensor(source.normals(2 * 5 * 16), [1, 2, 5, 16]);
  const [q, k] = [draw(), draw()];
  const map = (name: string, queries: Tensor): Promise<unknown> =>
    attentionMap(encoderKernel(name), { q: queries, k, v: k }).read();
  expect(await map("softmaxUnscaled", q)).toEqual(await map("softmax", multiply(q, 4)));
});

describe("steps to a loss", () => {
  /** Held-out losses of softmax and pairwise attention, on one seed and on another. */
  const pairs = (...losses: readonly number[][]) =>
    losses.map((own, at) => curve(1 + Math.floor(at / 2), at % 2 === 0 ? "softmax" : "pairwise", ...own));

  it("lie on straight lines between epochs of ten steps", () => {
    const run = heldOutCurve(curve(1, "softmax", 4, 3, 2));
    expect(stepsTo(run, 3.5)).toBe(15);
    expect(stepsTo(run, 2)).toBe(30);
    expect(stepsTo(run, 5)).toBe(10);
    expect(stepsTo(run, 1)).toBeUndefined();
  });

  it("are counted to leave the plateau, 90 % of the unigram baseline, and compared over seeds that left it", () => {
    const runs = pairs([4, 3, 2], [3, 2, 1], [4, 4, 4], [2, 2, 2]);
    const left = runs.map((run) => plateauSteps(run, 3));
    expect(left.map((steps) => steps?.toFixed(6))).toEqual(["23.000000", "13.000000", undefined, "10.000000"]);
    const ratio = plateauRatio(runs, "pairwise", "softmax", () => 3)!;
    expect(ratio.count).toBe(1);
    expect(ratio.mean).toBeCloseTo(13 / 23, 9);
    expect(plateauRatio(runs, "pairwise", "softmax", () => 1)).toBeUndefined();
  });

  it("are compared at losses that both kernels reached, seed by seed", () => {
    const runs = pairs([4, 3, 2], [3, 2, 1], [4, 3, 2.5], [2.5, 2, 2]);
    const found = compareSteps(runs, "pairwise", "softmax", () => 4);
    // losses 2 and 2.5: 20 steps against 30, and 10 against 30
    expect(found[2]).toMatchObject({ level: 2.25, steps: 15, reference: 30 });
    expect(found[2].ratio.mean).toBeCloseTo(Math.sqrt((20 / 30) * (10 / 30)), 12);
    expect(found[0].level).toBeCloseTo(4 - (2 + 1.5) / 6, 12);
    expect(compareSteps(runs, "pairwise", "softmax", (seed) => (seed === 1 ? 4 : 2.5))).toEqual([]);
    const { answer } = report({
      data: measurements.data.map((own) => ({ ...own, frequencyLoss: 4 })),
      runs: runs.map((run) => ({ ...run, seed: run.seed + 2, epochs: [...run.epochs, ...run.epochs.slice(1)] })),
    });
    expect(answer).toMatch(/pairwise took 0\.\d+ times the steps of softmax \(the paper claims about 0\.5/);
  });
});
