import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examples } from "../../site/your-kernel/examples.js";
import { defineKernel, gradcheckKernel, type KernelDefinition } from "../../src/index.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, runScript, type Opened, type Site } from "./site.js";

describe.runIf(hasChromium)("the page of a kernel of one's own", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: true });
    opened = await site.open("explore/your-kernel.html");
  });
  afterAll(() => site?.close());

  const settled = (): Promise<unknown> => opened.page.waitForSelector("[data-verdict]");
  const change = async (from: string, to: string): Promise<void> => {
    const text = await opened.page.inputValue("textarea");
    expect(text).toContain(from);
    const rounds = Number(await opened.page.getAttribute("[data-rounds]", "data-rounds"));
    await opened.page.fill("textarea", text.replace(from, to));
    await opened.page.waitForSelector(`[data-rounds="${rounds + 1}"]`);
  };

  it("gives gradcheckKernel's verdict, with the WGSL on the browser's GPU", async () => {
    await settled();
    expect(await opened.page.textContent(".verdict")).toContain("Every function agrees. The WGSL ran");
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const definition = (new Function(`return ${examples["rational quadratic"]}`) as () => KernelDefinition)();
    const { functions } = await gradcheckKernel(defineKernel(definition));
    const rows = opened.page.locator("[data-function]");
    const shown = await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-function")));
    expect(shown).toEqual(expect.arrayContaining(functions.map((found) => found.function)));
    expect(shown).toContain("score_partials.product (WGSL)");
    expect(opened.faults).toEqual([]);
  });

  it("names the function that is wrong, in JavaScript and in WGSL", async () => {
    await change("into.keyNorm = byDistance", "into.keyNorm = 2 * byDistance");
    expect(await opened.page.textContent('[data-function="partials.keyNorm (TypeScript)"] .fails')).not.toBe("");
    await change("into.keyNorm = 2 * byDistance", "into.keyNorm = byDistance");
    await change("return -alpha() * log", "return alpha() * log");
    expect(await opened.page.locator('[data-function="score (WGSL)"] .fails').count()).toBe(1);
  });

  it("says what is wrong with a text that is no kernel", async () => {
    await change("({", "({{");
    expect(await opened.page.getAttribute(".explorable", "data-verdict")).toBe("failed");
  });

  it("starts from each example, whose script gives the verdict of the page", async () => {
    const { page } = opened;
    for (const name of Object.keys(examples).reverse() as (keyof typeof examples)[]) {
      const rounds = Number(await page.getAttribute("[data-rounds]", "data-rounds"));
      await page.selectOption("select", name);
      await page.waitForSelector(`[data-rounds="${rounds + 1}"]`);
      expect(await page.inputValue("textarea")).toBe(examples[name]);
      const isRight = (await page.textContent(".verdict"))!.includes("Every function agrees.");
      // eslint-disable-next-line @typescript-eslint/no-implied-eval
      const definition = (new Function(`return ${examples[name]}`) as () => KernelDefinition)();
      expect((await gradcheckKernel(defineKernel(definition))).passed).toBe(isRight);
    }
    expect(await page.locator("[data-function]").count()).toBeGreaterThan(0);
    expect(await runScript(page)).toMatch(/passed: (true|false)/);
  });
});
