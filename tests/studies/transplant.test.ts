import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { random } from "../../src/index.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { transplant } from "../../src/studies/transplant/study.js";
import { encodeSafetensors } from "../../src/weights/index.js";
import { storedModels } from "../support/stored-models/index.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "transplant-"));
});
afterAll(() => rm(folder, { recursive: true }));

const tiny = { ...optionsOf(transplant), seeds: 2, kernels: ["gaussianNormalized", "sigmoid"] };
type Measured = NonNullable<ReturnType<typeof transplant.gather>>;

describe("study transplant", () => {
  let measured: Measured;
  const options = {
    ...tiny,
    train: 128,
    test: 64,
    tokens: 12,
    width: 16,
    hidden: 16,
    epochs: 6,
    tuning: 2,
    vocabulary: 300,
  };
  beforeAll(async () => {
    measured = await measurementsOf(transplant, options, 1); // on mails
  });

  it("changes the kernel of a trained model, and tunes every one alike", () => {
    const { runs } = measured;
    const names = ["original", "gaussianNormalized", "sigmoid"];
    expect(runs.map(({ kernel, seed }) => `${kernel} ${seed}`)).toEqual(
      [1, 2].flatMap((seed) => names.map((name) => `${name} ${seed}`)),
    );
    for (const { kernel, seed, before, after, epochs, losses } of runs) {
      const original = runs.find((run) => run.kernel === "original" && run.seed === seed)!;
      expect(before).toEqual(original.before);
      if (kernel === "original") expect(after).toEqual(before);
      else expect(after.testLoss).not.toBe(before.testLoss);
      expect(before.testAccuracy).toBeGreaterThan(0.7);
      expect(epochs).toHaveLength(2);
      expect(losses).toHaveLength(original.losses.length);
    }
  });

  it("repeats bit for bit", async () => {
    const again = await measurementsOf(transplant, { ...options, seeds: 1, kernels: ["gaussianNormalized"] }, 1);
    const numbers = ({ runs }: Measured) =>
      runs.filter(({ seed, kernel }) => seed === 1 && kernel !== "sigmoid").map(({ losses, after }) => [losses, after]);
    expect(numbers(again)).toEqual(numbers(measured));
  });

  it("reports losses with intervals, and draws them from the change on", () => {
    const { blocks, answer } = stoppedReport(transplant, options, measured);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    for (const svg of figures.map(drawFigure)) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.match(/fill-opacity="0\.18"/g)).toHaveLength(3);
    }
    expect(answer).toMatch(/gaussianNormalized minus original: .* points of accuracy .* 2 paired seeds/);
  });

  it("takes a stored model with its examples", async () => {
    const vit = storedModels.find(({ title }) => title === "ViT")!;
    const [model, inputs] = [join(folder, "vit.safetensors"), join(folder, "pixels.safetensors")];
    const count = 24;
    const stream = random(1);
    const labels = Array.from({ length: count }, () => stream.integer(3));
    await writeFile(model, encodeSafetensors(vit.weights));
    await writeFile(join(folder, "config.json"), JSON.stringify(vit.config));
    const pixels = { shape: [count, 3, 4, 6], data: stream.normals(count * 72) };
    await writeFile(inputs, encodeSafetensors({ pixels, labels: { shape: [count], data: labels } }));
    const own = { ...tiny, seeds: 1, train: 16, test: 8, batch: 8, tuning: 3, tuningRate: 0.02, model, inputs };
    const { runs } = await measurementsOf(transplant, own, 1);
    for (const { epochs } of runs) expect(epochs[2].trainLoss).toBeLessThan(epochs[0].trainLoss);
    await expect(measurementsOf(transplant, { ...own, inputs: undefined }, 1)).rejects.toThrow(
      /--inputs: wanted a file/,
    );
  });
});
