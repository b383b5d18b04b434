import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { learn, type Step } from "../../site/spins/learn.js";
import type { KernelName } from "../../site/spins/settings.js";
import { cpu } from "../../src/index.js";
import { optimize, type OptimizationPlan } from "../../src/studies/wavefunction/train.js";
import { wavefunctionOptions } from "../../src/studies/wavefunction/options.js";
import { valuesOf } from "../../src/studies/runner/options.js";
import { hasChromium } from "../package/chromium.js";
import { expectAccessible, openSite, runScript, type Opened, type Site } from "./site.js";

const [STEPS, WIDTH] = [2, 4];

/** The optimisation of study wavefunction with the same settings. */
const plan: OptimizationPlan = {
  attention: "factored",
  seed: 1,
  setting: { ...valuesOf(wavefunctionOptions), width: WIDTH, hidden: 4 * WIDTH, steps: STEPS },
  projects: false,
  reference: undefined,
  follow: async () => {},
};
const work = {
  backend: cpu,
  isDue: () => false,
  store: () => Promise.resolve(),
  checkpoint: () => Promise.resolve(),
  report: () => undefined,
};

const task = { j2: 0.5, width: WIDTH, seed: 1, steps: STEPS } as const;

/** The steps of a kernel, by the library in Node. */
async function followed(kernel: KernelName): Promise<Step[]> {
  const steps: Step[] = [];
  await learn({ ...task, kernel }, (step) => steps.push(step));
  return steps;
}

describe.runIf(hasChromium)("the page of spins", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    const query = `?kernels=factored&width=${WIDTH}&steps=${STEPS}`;
    opened = await site.open(`explore/spins.html${query}`, { reducedMotion: "reduce" });
  });
  afterAll(() => site?.close());

  const done = (): Promise<unknown> =>
    opened.page.waitForSelector(".explorable[data-done=true]:has([data-exact])", { timeout: 60_000 });
  const shown = async (page: Page, kernel: string, name: string): Promise<number> =>
    Number(await page.getAttribute(`[data-kernel=${kernel}] [data-${name}]`, `data-${name}`));
  async function expectStep(kernel: string, { energy, dependence, maps }: Step): Promise<void> {
    const { page } = opened;
    expect(await shown(page, kernel, "energy")).toBeCloseTo(energy, 12);
    expect(await shown(page, kernel, "dependence")).toBeCloseTo(dependence, 10);
    const weights = await page
      .locator(`[data-kernel=${kernel}] [data-map]`)
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-map"))));
    expect(weights).toHaveLength(maps.length);
    weights.forEach((weight, at) => expect(weight).toBeCloseTo(maps[at], 10));
  }

  it("takes the steps of study wavefunction, with energies and maps of the library, and the exact energy", async () => {
    const { page, faults } = opened;
    await done();
    expect(Number(await page.getAttribute("[data-exact]", "data-exact"))).toBeCloseTo(-0.5286202095, 9);
    const steps = await followed("factored");
    expect(steps[1].energy).toBeLessThan(steps[0].energy);
    await page.click("[aria-label='Back to the start']");
    await expectStep("factored", steps[0]);
    await page.click("[aria-label='One step on']");
    await expectStep("factored", steps[1]);
    await page.click("[aria-label='One step back']");
    await expectStep("factored", steps[0]);
    await page.selectOption(".playbar-speed select", "60 steps a second");
    await page.click("[aria-label=Play]");
    await page.waitForSelector("[aria-label=Play]"); // again, at the end
    await expectStep("factored", steps[1]);
    const { energies } = await optimize(plan, work as never);
    expect(steps.map(({ energy }) => energy)).toEqual(energies);
    await expectAccessible(page);
    expect(faults).toEqual([]);
  });

  it("follows J2, width, kernels and seed, which stand in the address", async () => {
    const { page } = opened;
    await page.click('.chips >> text="Gaussian"');
    await page.click('.chips >> text="Factored"');
    await page.selectOption(".field select", "4");
    await page.focus("[aria-label='J2, in units of J1']");
    await page.keyboard.press("Home");
    await page.click('button >> text="Next"');
    await page.fill("[aria-label=Steps]", "2");
    await page.locator("[aria-label=Steps]").blur();
    await page.waitForFunction("location.search.includes('steps=2')");
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
      kernels: "gaussian",
      j2: "0",
      width: "4",
      seed: "2",
      steps: "2",
    });
    await done();
    expect(Number(await page.getAttribute("[data-exact]", "data-exact"))).toBeCloseTo(-0.7017802005, 9);
    const printed = (await runScript(page)).match(/gaussian \S+/g)!.map((line) => Number(line.split(" ")[1]));
    expect(printed).toHaveLength(2);
    expect(await shown(page, "gaussian", "energy")).toBeCloseTo(printed[1], 12);
    await page.context().close();
  });
});
