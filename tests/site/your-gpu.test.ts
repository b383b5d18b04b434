import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium } from "../package/chromium.js";
import { expectAccessible, openSite, type Site } from "./site.js";

describe.runIf(hasChromium)("the page of the visitor's GPU", () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({ webgpu: true });
  });
  afterAll(() => site?.close());

  it("checks and times the chosen kernels, and keeps what it measured", async () => {
    const query = "?n=64&heads=1&d=32&runs=1&kernels=softmax,gaussian,linear&roofline=no";
    const { page, faults } = await site.open(`explore/your-gpu.html${query}`);
    await page.click(".start");
    await page.waitForSelector("[data-state=done]", { timeout: 120_000 });
    const rows = page.locator("[data-row]");
    expect(await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-row")))).toEqual([
      "softmax",
      "gaussian",
      "linear",
    ]);
    const download = page.waitForEvent("download");
    await page.click("button >> text='Keep the JSON'");
    const report = JSON.parse(readFileSync(await (await download).path(), "utf8")) as {
      readonly n: number;
      readonly rows: readonly { readonly error: number; readonly forwardBackward: { readonly median: number } }[];
    };
    expect(report.n).toBe(64);
    for (const { error, forwardBackward } of report.rows) {
      expect(error).toBeGreaterThan(0); // float32 is not float64
      expect(error).toBeLessThan(1e-4);
      expect(forwardBackward.median).toBeGreaterThan(0);
    }
    await expectAccessible(page);
    expect(faults).toEqual([]);
  });

  it("measures what the controls say, with the roofline, and stops", async () => {
    const { page, faults } = await site.open("explore/your-gpu.html?kernels=softmax,gaussian");
    const labels = { "Tokens n": "64", Heads: "1", "Width of a head d": "32", Rounds: "1" };
    for (const [label, value] of Object.entries(labels))
      await page.selectOption(`.field:has-text("${label}") select`, value);
    await page.click(".chips >> text='softmax'");
    expect(new URL(page.url()).search).toBe("?n=64&heads=1&d=32&runs=1&kernels=gaussian");
    await page.click(".start");
    await page.click("text='Stop'");
    expect(await page.textContent("[role=status]")).toBe("Stopped.");
    await page.click(".start");
    await page.waitForSelector("[data-state=done]", { timeout: 120_000 });
    const download = page.waitForEvent("download");
    await page.click("button >> text='Keep the JSON'");
    const report = JSON.parse(readFileSync(await (await download).path(), "utf8")) as Record<string, unknown>;
    expect(report).toMatchObject({ n: 64, heads: 1, d: 32, runs: 1, kernels: ["gaussian"], roofline: true });
    expect((report.limits as { multiplyAddGFLOPs: number }).multiplyAddGFLOPs).toBeGreaterThan(0);
    await page.uncheck("input[type=checkbox]");
    expect(new URL(page.url()).searchParams.get("roofline")).toBe("no");
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

describe.runIf(hasChromium)("the page of the visitor's GPU without WebGPU", () => {
  it("says so, and offers nothing to measure", async () => {
    const site = await openSite({ webgpu: false });
    try {
      const { page } = await site.open("explore/your-gpu.html");
      await page.waitForSelector(".notice");
      expect(await page.isDisabled(".start")).toBe(true);
    } finally {
      await site.close();
    }
  });
});
