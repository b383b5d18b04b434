import { cpu } from "attention-kernels";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentenceData, sentences } from "../../site/train-here/sentences.js";
import { presets, schema, taskOf, type Settings } from "../../site/train-here/settings.js";
import { train, type Record } from "../../site/train-here/train.js";
import { cpu as ownCpu } from "../../src/index.js";
import { pathfinder } from "../../src/studies/pathfinder/study.js";
import { splitPictures, trainRun } from "../../src/studies/pathfinder/train.js";
import { hasChromium } from "../package/chromium.js";
import { optionsOf, workOn } from "../support/study.js";
import { codeOf, expectAccessible, openSite, runScript, type Opened, type Site } from "./site.js";

const initial = Object.fromEntries(Object.entries(schema).map(([name, own]) => [name, own.initial])) as Settings;
const small: Settings = { ...initial, steps: "20", examples: "64", every: "10", layers: 1 };
const query = "steps=20&examples=64&every=10&layers=1";

interface Trained {
  readonly losses: number[];
  readonly records: Record[];
}

/** The training of the page on sentences, by the library in Node. */
async function trained(settings: Settings, kernel: string): Promise<Trained> {
  const { training, examples, tests } = taskOf(settings, kernel);
  const found: Trained = { losses: [], records: [] };
  await train(training, cpu, sentenceData({ seed: settings.seed, examples, tests }), (event) => {
    if ("record" in event) found.records.push(event.record);
    else found.losses.push(event.loss);
  });
  return found;
}

const shown = async (page: Page, kernel: string, name: string): Promise<number> =>
  Number(await page.getAttribute(`[data-kernel=${kernel}] [data-${name}]`, `data-${name}`));
async function trainHere(page: Page): Promise<void> {
  await page.waitForSelector("[data-ready=true]");
  await page.click(".start");
  await page.waitForSelector("[data-state=done]", { timeout: 120_000 });
}

it("generates sentences of which half are positive, and whose words do not tell the label", () => {
  const { labels, texts } = sentences(400, 4);
  expect(labels.reduce((sum, label) => sum + label, 0)).toBe(200);
  for (const words of [["good"], ["not", "good"], ["film", "bad"]]) {
    const own = [...labels].filter((_, row) => words.every((word) => texts[row].includes(word)));
    const share = own.reduce((sum, label) => sum + label, 0) / own.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / own.length));
  }
});

describe.runIf(hasChromium)("the page that trains, without WebGPU", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    opened = await site.open(`explore/train-here.html?${query}`, { reducedMotion: "reduce" });
  });
  afterAll(() => site?.close());

  async function expectTrained(settings: Settings): Promise<Trained> {
    const all: Trained[] = [];
    for (const kernel of ["softmax", settings.kernel]) {
      const own = await trained(settings, kernel);
      expect((await shown(opened.page, kernel, "loss")) / own.losses.at(-1)!).toBeCloseTo(1, 5);
      expect(await shown(opened.page, kernel, "accuracy")).toBe(own.records.at(-1)!.accuracy);
      all.push(own);
    }
    return all[1];
  }

  it("says that the CPU trains, and shows the losses, accuracies and maps of the library in Node", async () => {
    const { page, faults } = opened;
    await trainHere(page);
    expect(await page.textContent("[role=status]")).toContain("the CPU in float64, as this browser gives no WebGPU");
    const { records } = await expectTrained(small);
    await page.selectOption("[aria-label='Sequence of the test']", "2");
    await page.selectOption("[aria-label='Row of']", "3");
    const weights = await page
      .locator("section:has(h3:text('gaussian, step 20')) [data-weight]")
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-weight"))));
    // rows of the table are the words, columns the heads
    const wanted = Array.from({ length: 11 }, (_, word) =>
      records.at(-1)!.maps.flatMap((map) => [0, 1].map((head) => map[((2 * 2 + head) * 11 + 3) * 11 + word])),
    ).flat();
    expect(weights).toHaveLength(22);
    weights.forEach((weight, at) => expect(weight).toBeCloseTo(wanted[at], 5));
    await page.focus(".playbar-place");
    await page.keyboard.press("Home");
    expect(await shown(page, "gaussian", "accuracy")).toBe(records[0].accuracy);
    expect(await page.textContent("h3:text('gaussian, step')")).toContain("step 0");
    await expectAccessible(page);
    expect(faults).toEqual([]);
  });

  it("gives a script that computes the same in Node", async () => {
    const { losses, records } = await trained(small, "gaussian");
    const printed = await runScript(opened.page);
    expect(printed).toContain(`gaussian, step 20: loss ${losses.at(-1)}`);
    expect(printed).toContain(`gaussian, step 10: accuracy ${records[1].accuracy}`);
  });

  it("takes every setting of the training, and shows the monitor's warnings", async () => {
    const { page } = opened;
    for (const { name, settings } of [...presets].reverse()) {
      await page.click(`.presets >> text="${name}"`);
      await page.waitForSelector(`.presets [aria-pressed=true] >> text="${name}"`);
      expect(await codeOf(page)).toContain(settings.data === "pictures" ? "study pathfinder" : "sentences");
    }
    await page.selectOption("[aria-label='Computes on']", "webgpu");
    await page.click(".start");
    await page.waitForSelector("[data-state=failed] [role=alert]:has-text('requestGpu')");
    await page.selectOption("[aria-label='Kernel beside softmax']", "cosine");
    await page.click(".field button:text('Next')");
    await page.fill(".field input[type=range][aria-label='Learning rate of Adam']", "41");
    await page.focus("[aria-label=Layers]");
    await page.keyboard.press("ArrowRight");
    await page.selectOption("[aria-label=Width]", "32");
    await page.selectOption("[aria-label=Batch]", "16");
    await page.selectOption("[aria-label=Examples]", "1024");
    await page.selectOption("[aria-label=Steps]", "20");
    await page.selectOption("[aria-label='Steps between looks']", "10");
    await page.selectOption("[aria-label='Computes on']", "cpu");
    await page.waitForFunction("location.search.includes('on=cpu')");
    expect(await page.textContent("[role=status]")).toContain("settings have changed");
    await page.click(".start");
    await page.click(".actions >> text=Stop");
    await page.waitForSelector("[data-state=stopped]");
    const rate = Number(new URL(page.url()).searchParams.get("rate"));
    expect(rate).toBeGreaterThan(0.05);
    await trainHere(page);
    const own = { kernel: "cosine", seed: 2, rate, layers: 2, width: "32", batch: "16", every: "10" } as const;
    const { records } = await expectTrained({ ...small, ...own, steps: "20", examples: "1024", on: "cpu" });
    expect(records.at(-1)!.warnings.length).toBeGreaterThan(0);
    expect(await page.locator("[data-kernel=cosine] .warnings li").allTextContents()).toEqual(records.at(-1)!.warnings);
  });

  it("trains on pictures as the study does, and gives its command", async () => {
    const { page } = await site.open("explore/train-here.html?data=pictures&width=32&batch=64&steps=20");
    await trainHere(page);
    const options = optionsOf(pathfinder, {
      train: 1024,
      epochs: 2,
      landscape: undefined,
      monitor: 0,
    });
    const plan = { kernel: "softmax", learningRate: 0.003, seed: 1, isTrial: false, drawn: false };
    const { run } = await trainRun(options, plan, splitPictures(options, 1), workOn(ownCpu));
    await page.focus(".playbar-place");
    await page.keyboard.press("End");
    expect((await shown(page, "softmax", "loss")) / run.losses[19]).toBeCloseTo(1, 5);
    expect(await page.locator(".picture").count()).toBe(1);
    expect(await codeOf(page)).toBe(
      "npx attention-kernels study pathfinder --without-landscape --seed 1 --seeds 1 --kernels softmax,gaussian " +
        "--examples 1024 --epochs 2 --rates 0.003 --backend cpu\n",
    );
    await page.context().close();
  });
});

describe.runIf(hasChromium)("the page that trains, with WebGPU", () => {
  it("trains on the GPU with the losses of float64 within float32's rounding", async () => {
    const site = await openSite({ webgpu: true });
    try {
      const { page, faults } = await site.open(`explore/train-here.html?${query}`);
      await trainHere(page);
      expect(await page.textContent("[role=status]")).toContain("WebGPU in float32");
      for (const kernel of ["softmax", "gaussian"]) {
        const { losses } = await trained(small, kernel);
        await page.focus(".playbar-place");
        await page.keyboard.press("End");
        expect(await shown(page, kernel, "loss")).toBeCloseTo(losses.at(-1)!, 3);
      }
      expect(faults).toEqual([]);
    } finally {
      await site.close();
    }
  });
});
