import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/processes.mjs";
import { problemOf } from "../../site/three-matrices/problem.js";
import { presets, taskOf, type Settings } from "../../site/three-matrices/settings.js";
import { kernels } from "../../src/index.js";
import { dynamicsOptions } from "../../src/studies/dynamics/options.js";
import { randomProblem } from "../../src/studies/dynamics/problem.js";
import { valuesOf } from "../../src/studies/runner/options.js";
import { descend } from "../../src/theory/descend.js";
import { lossCurve } from "../../src/theory/loss-curve.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, type Opened, type Site } from "./site.js";

const base: Settings = {
  train: ["query"],
  kernels: ["softmax", "gaussian"],
  seed: 1,
  heads: 4,
  qk: 0.5,
  v: 1,
  equal: true,
  share: 0.5,
  steps: "4000",
};

/** The losses of the page, by the library in Node. */
async function expected(settings: Settings, kernelName: (typeof settings.kernels)[number]): Promise<number[]> {
  const { trainable, stepShare, steps, ...own } = taskOf(settings, kernelName);
  const problem = problemOf(own);
  // the Jacobian of softmax is zero on equal values; the step size is then the Gaussian's
  const stepOf = settings.equal ? kernels.gaussian() : kernels[kernelName]();
  const { spectrum } = lossCurve(problem, { kernel: stepOf as never, trainable, stepSize: 1 });
  const stepSize = stepShare / Math.max(...spectrum.eigenvalues);
  return descend(problem, kernels[kernelName](), trainable, { stepSize, steps, tolerance: 1e-6 });
}

const isDone = ".explorable[data-done='true']";
const lossOf = async (page: Page, kernel: string): Promise<number> =>
  Number(await page.getAttribute(`[data-kernel=${kernel}] [data-loss]`, "data-loss"));

/** Goes to the end of the slider, or to the start. */
async function press(page: Page, key: "End" | "Home"): Promise<void> {
  await page.focus(".playbar-place");
  await page.keyboard.press(key);
}

describe.runIf(hasChromium)("the page of three matrices", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: true });
    opened = await site.open("explore/three-matrices.html?steps=1000", { reducedMotion: "reduce" });
  });
  afterAll(() => site?.close());

  it("has the problems of the study", () => {
    const options = valuesOf(dynamicsOptions);
    for (const [family, equalValues] of [
      ["unitTargets", false],
      ["equalValues", true],
    ] as const) {
      const scales = { query: 0.5, key: 0.5, value: 3, output: Math.sqrt(8) };
      const study = randomProblem(options, { family, heads: 2, scales, seed: 5 }, kernels.softmax() as never);
      expect(problemOf({ seed: 5, heads: 2, queryKeyScale: 0.5, valueScale: 3, equalValues })).toEqual(study);
    }
  });

  it.each(presets.filter(({ name }) => ["Equal values", "Both learn", "Values only"].includes(name)))(
    "shows the losses of descend at any step: $name",
    async ({ name, settings: own }) => {
      const { page, faults } = opened;
      await page.click(`.presets >> text="${name}"`);
      await page.waitForSelector(".explorable[data-done='false']");
      await page.waitForSelector(isDone);
      const settings: Settings = { ...base, ...own, steps: "1000" };
      for (const kernel of settings.kernels) {
        const losses = await expected(settings, kernel);
        await press(page, "End");
        expect((await lossOf(page, kernel)) / losses.at(-1)!).toBeCloseTo(1, 6);
        await press(page, "Home");
        expect(await lossOf(page, kernel)).toBeCloseTo(losses[0], 12);
        await page.click("[aria-label='One step on']");
        await page.click("[aria-label='One step on']");
        expect(await lossOf(page, kernel)).toBeCloseTo(losses[2], 12);
      }
      expect(faults).toEqual([]);
    },
  );

  it("says what is proved, and when", async () => {
    const { page } = opened;
    await page.click('.presets >> text="Equal values"');
    await page.waitForSelector(".explorable[data-done='false']");
    await page.waitForSelector(isDone);
    await press(page, "End");
    expect(await page.textContent("[data-kernel=softmax] .verdict")).toContain("Proved to fail (T4)");
    expect(await page.textContent("[data-kernel=gaussian] .verdict")).toContain(
      "Success is proved from step 36 on (T2)",
    );
    expect(await page.textContent(".chart-mark")).toContain("proved at step 36");
    const reach = page.locator("[data-condition=weightsReachOutput] td");
    expect(await reach.allTextContents()).toEqual(["fails", "holds"]);
    await press(page, "Home");
    expect(await page.textContent("[data-kernel=gaussian] .verdict")).toBe("Not proved yet at this step.");
    expect(await page.locator(".chart-mark").count()).toBe(0);
  });

  it("keeps every setting in the address, and reads it again", async () => {
    const { page } = opened;
    await page.click(".matrix >> nth=1");
    await page.click('.chips >> text="Cosine"');
    await page.fill("input[type=number]", "7");
    await page.locator("input[type=number]").blur();
    await page.focus("[aria-label='Heads']");
    await page.keyboard.press("ArrowLeft");
    await page.uncheck("input[type=checkbox]");
    await page.waitForFunction("location.search.includes('equal=no')");
    const query = new URL(page.url()).search;
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      train: "query,key",
      kernels: "softmax,gaussian,cosine",
      seed: "7",
      heads: "3",
      equal: "no",
      steps: "1000",
    });
    const again = await site.open(`explore/three-matrices.html${query}`);
    await again.page.waitForSelector("[data-kernel=cosine]");
    expect(await again.page.inputValue("input[type=number]")).toBe("7");
    expect(await again.page.getAttribute(".matrix >> nth=1", "aria-pressed")).toBe("true");
    await again.page.context().close();
  });

  it("gives a script that computes the same in Node", async () => {
    const { page } = opened;
    await page.click('.presets >> text="Equal values"');
    await page.waitForSelector("[data-kernel=gaussian]");
    const code = (await page.textContent(".copycode code:not(summary code)"))!;
    const folder = mkdtempSync(join(root, "out/script-")); // below package.json, which has the package's name
    try {
      const file = join(folder, "three-matrices.mjs");
      writeFileSync(file, code);
      expect(execFileSync(process.execPath, [file], { encoding: "utf8" })).toContain("proved from step 36 on");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
