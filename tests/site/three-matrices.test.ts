import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { problemOf } from "../../site/three-matrices/problem.js";
import { kernelNames, presets, taskOf, type Settings } from "../../site/three-matrices/settings.js";
import { kernelWords } from "../../site/three-matrices/words.js";
import { kernels } from "../../src/index.js";
import { dynamicsOptions } from "../../src/studies/dynamics/options.js";
import { randomProblem } from "../../src/studies/dynamics/problem.js";
import { valuesOf } from "../../src/studies/runner/options.js";
import { descend } from "../../src/theory/descend.js";
import { lossCurve } from "../../src/theory/loss-curve.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, runScript, type Opened, type Site } from "./site.js";

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
async function expected(
  settings: Settings,
  kernelName: (typeof settings.kernels)[number],
  most = Infinity,
): Promise<number[]> {
  const { trainable, stepShare, steps: all, ...own } = taskOf(settings, kernelName);
  const steps = Math.min(all, most);
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

/** Kernels by the names on their chips. */
const chips = (["laplacian", "cosine", "sigmoid", "relu", "polynomial", "gaussianNormalized", "softmax"] as const).map(
  (kernel) => [kernelWords[kernel].name, kernel] as const,
);

/** A number of Chromium's about a page: "TaskDuration" are the seconds of its main thread since it was opened. */
async function metric(session: CDPSession, name: string): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find((found) => found.name === name)!.value;
}

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

  /** Presses a preset, unless its run is there. */
  async function choose(name: string): Promise<void> {
    const { page } = opened;
    const chip = page.locator(`.presets >> text="${name}"`);
    if ((await chip.getAttribute("aria-pressed")) === "false") {
      await chip.click();
      await page.waitForSelector(".explorable[data-done='false']");
    }
    await page.waitForSelector(isDone);
  }

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

  it.each(presets.filter(({ name }) => ["Equal values", "Both learn", "Values only"].includes(name)).reverse())(
    "shows the losses of descend at any step: $name",
    async ({ name, settings: own }) => {
      const { page, faults } = opened;
      await choose(name);
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
    await choose("Equal values");
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

  it("gives a script that computes the same in Node", async () => {
    await choose("Equal values");
    expect(await runScript(opened.page)).toContain("proved from step 36 on");
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

  it("shows the library's losses after every control that changes the problem", async () => {
    const { page, faults } = await site.open("explore/three-matrices.html?steps=1000", { reducedMotion: "reduce" });
    let settings: Settings = base;
    /** Compares the losses of the first three steps. */
    async function expectChanged(changed: Partial<Settings>): Promise<void> {
      settings = { ...settings, ...changed };
      const losses = await Promise.all(settings.kernels.map((kernel) => expected(settings, kernel, 2)));
      await page.click("[aria-label='Back to the start']");
      for (const [at, kernel] of settings.kernels.entries()) {
        const first = `document.querySelector("[data-kernel=${kernel}] [data-loss]")?.dataset.loss / ${losses[at][0]}`;
        await page.waitForFunction(`Math.abs(${first} - 1) < 1e-10`);
      }
      await page.click("[aria-label='One step on']:enabled");
      await page.click("[aria-label='One step on']:enabled");
      for (const [at, kernel] of settings.kernels.entries())
        expect((await lossOf(page, kernel)) / losses[at][2]).toBeCloseTo(1, 9);
    }
    const slide = async (label: string, key: string): Promise<void> => {
      await page.focus(`[aria-label='${label}']`);
      await page.keyboard.press(key);
    };
    for (const { name, settings: own } of presets.slice(2)) {
      if (name === "Values only") continue;
      await page.click(`.presets >> text="${name}"`);
      await expectChanged(own);
    }
    await page.click(".chips >> text='Softmax'");
    for (const [at, train] of (["value", "query", "key"] as const).entries()) {
      await page.click(`.matrix:has(sup:text-is("${{ value: "V", query: "Q", key: "K" }[train]}"))`);
      // the last matrix stays
      const left = [["query", "key"], ["key"], ["key"]][at] as Settings["train"];
      await expectChanged({ kernels: ["gaussian"], train: left });
    }
    for (const [name, kernel] of chips) {
      await page.click(`.chips >> text="${name}"`);
      await page.click(`.chips [aria-pressed=true]:not(:has-text("${name}"))`);
      await expectChanged({ kernels: [kernel] });
    }
    await page.click("button >> text='Next'");
    await expectChanged({ seed: 2 });
    await page.fill("input[type=number]", "9");
    await page.locator("input[type=number]").blur();
    await expectChanged({ seed: 9 });
    await page.check("input[type=checkbox]");
    await expectChanged({ equal: true });
    await slide("Heads", "ArrowRight");
    await expectChanged({ heads: 3 });
    await slide("Scale of W^Q and W^K", "End");
    await expectChanged({ qk: 5 });
    await slide("Scale of W^V", "Home");
    await expectChanged({ v: 0.1 });
    await slide("Step size, times 1/σ_max(J)²", "Home");
    await expectChanged({ share: 0.05 });
    // one after the other, with no time for a run in between
    const turnedOn = await page.locator(".chips [aria-pressed=false]").evaluateAll(async (all) => {
      const found: [name: string | null, kernels: string | null][] = [];
      for (const chip of all) {
        (chip as HTMLElement).click();
        await new Promise((resolve) => setTimeout(resolve));
        found.push([chip.textContent, new URLSearchParams(location.search).get("kernels")]);
      }
      return found;
    });
    const others = kernelNames.filter((kernel) => kernel !== "softmax");
    expect(turnedOn).toEqual(
      others.map((kernel, at) => {
        const chosen = ["softmax", ...others.slice(0, at + 1)];
        const text = kernelNames.filter((name) => chosen.includes(name)).join(",");
        return [kernelWords[kernel].name, text === "softmax,gaussian" ? null : text]; // those without an address
      }),
    );
    await page.uncheck("input[type=checkbox]");
    await expectChanged({ equal: false, kernels: kernelNames });
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("plays, pauses, goes back, and goes where the chart is clicked, with the losses of each step", async () => {
    const { page } = await site.open("explore/three-matrices.html?kernels=gaussian");
    const most = ".field select";
    await page.selectOption(most, "1000");
    const losses = await expected({ ...base, steps: "1000" }, "gaussian");
    await page.waitForSelector(isDone);
    expect(await page.textContent(".playbar-step")).toContain(`of ${losses.length - 1}`);
    const expectPlace = async (): Promise<number> => {
      const step = Number(await page.textContent(".playbar-step b"));
      expect((await lossOf(page, "gaussian")) / losses[step]).toBeCloseTo(1, 8);
      return step;
    };
    await page.click("[aria-label='Back to the start']");
    expect(await expectPlace()).toBe(0);
    for (const speed of ["slow: 2 steps a second", "60 steps a second", "whole run in 8 s"]) {
      await page.selectOption("[aria-label='Steps of the run'] select", speed);
      const before = await expectPlace();
      await page.click("[aria-label=Play]");
      await page.waitForFunction(`Number(document.querySelector(".playbar-step b").textContent) > ${before}`);
      await page.click("[aria-label=Pause]");
      expect(await expectPlace()).toBeGreaterThan(before);
    }
    const box = (await page.locator(".chart svg").boundingBox())!;
    await page.mouse.click(box.x + 0.6 * box.width, box.y + box.height / 2);
    const place = await expectPlace();
    await page.click("[aria-label='One step back']");
    expect(await expectPlace()).toBe(place - 1);
    await page.context().close();
  });

  it("reacts to a control within two seconds of its main thread", async () => {
    const { page } = await site.open("README.html");
    const session = await page.context().newCDPSession(page);
    // time of the thread itself, so that other work on the machine does not count
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(page.url().replace("README.html", "explore/three-matrices.html"));
    await page.click(".matrix >> nth=1");
    await page.waitForSelector(".matrix[aria-pressed=true] >> nth=1");
    const work = await metric(session, "TaskDuration");
    expect(work).toBeGreaterThan(0);
    expect(work).toBeLessThan(2);
    await page.context().close();
  });
});
