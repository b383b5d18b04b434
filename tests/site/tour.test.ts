import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/processes.mjs";
import type { Setting } from "../../site/kit/settings.js";
import { schema as landscapes } from "../../site/landscapes/settings.js";
import { schema as threeMatrices } from "../../site/three-matrices/settings.js";
import { addressOf, stops, type Opening } from "../../site/tour/stops.js";
import { schema as trainHere } from "../../site/train-here/settings.js";
import { schema as whatAKernelSees } from "../../site/what-a-kernel-sees/settings.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, type Opened, type Site } from "./site.js";

const schemas = {
  landscapes,
  "three-matrices": threeMatrices,
  "train-here": trainHere,
  "what-a-kernel-sees": whatAKernelSees,
} satisfies Record<Opening["page"], object> as unknown as Record<Opening["page"], Record<string, Setting<unknown>>>;

describe("the stops of the tour", () => {
  it("state only numbers that stand in docs/", () => {
    for (const { measured, source } of stops) {
      const page = readFileSync(join(root, `docs/${source.page}.md`), "utf8");
      for (const number of source.numbers) {
        expect(measured.toLowerCase()).toContain(number.toLowerCase());
        expect(page).toContain(number);
      }
      const counts = measured.match(/\d+ of \d+|−?\d+\.\d+ (points|to −?\d+\.\d+)/g) ?? [];
      for (const count of counts) expect(source.numbers).toContain(count);
    }
  });

  it("open pages with settings that these know, written as they write them", () => {
    for (const { openings } of stops) {
      for (const { page, query } of openings) {
        for (const [name, text] of new URLSearchParams(query)) {
          const setting = schemas[page][name];
          const value = setting.read(text);
          expect(value, `${page} ${name}=${text}`).toBeDefined();
          expect(setting.write(value as never)).toBe(text);
          expect(text).not.toBe(setting.write(setting.initial as never));
        }
      }
    }
  });
});

describe.runIf(hasChromium)("the tour in a browser", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    opened = await site.open("explore/tour.html", { reducedMotion: "reduce" });
  });
  afterAll(() => site?.close());

  /** Follows "Next stop", and waits until the next page shows its bar. */
  async function next(stop: number): Promise<void> {
    await opened.page.click(".tour-bar .next");
    await opened.page.waitForSelector(`.tour-bar b:text('Tour, ${stop} of ${stops.length}')`);
  }

  it("leads through the pages, which show what the stops say", async () => {
    const { page, faults } = opened;
    const links = await page.locator(".opens a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    expect(links).toEqual(
      stops.flatMap(({ openings }, index) => openings.map((opening) => `/a/path${addressOf(opening, index + 1)}`)),
    );
    await page.click("[data-stop='1'] .opens a >> nth=0");
    await page.waitForSelector(".tour-bar b:text('Tour, 1 of')");
    await page.waitForSelector(".explorable[data-done=true]", { timeout: 120_000 });
    expect(await page.textContent("[data-kernel=softmax] .verdict")).toContain("Proved to fail (T4)");
    expect(await page.textContent("[data-kernel=gaussian] .verdict")).toContain("Success is proved");

    await next(2);
    await page.waitForFunction("document.querySelector('[data-gradient]')?.textContent === 'zero'");
    await page.selectOption("[aria-label=Kernel]", "gaussian");
    await page.waitForFunction("document.querySelectorAll('.arrow').length > 0");
    // a change of a setting leaves the tour in the address
    expect(new URL(page.url()).search).toBe("?tour=2&kernel=gaussian&equal=yes");

    await next(3);
    await page.waitForSelector(".explorable[data-done=true]", { timeout: 120_000 });
    expect(await page.isChecked(".field.check input")).toBe(false);
    await page.focus(".playbar-place");
    await page.keyboard.press("End");
    for (const kernel of ["softmax", "gaussian"]) {
      const loss = await page.getAttribute(`[data-kernel=${kernel}] [data-loss]`, "data-loss");
      expect(Number(loss)).toBeLessThan(0.1); // of several hundred
    }

    await next(4);
    await page.waitForSelector(".explorable[data-done=true]", { timeout: 120_000 });
    expect(await page.getAttribute("[data-kernel=softmax] canvas", "aria-label")).toContain("everywhere");
    expect(await page.getAttribute("[data-kernel=gaussian] canvas", "aria-label")).not.toContain("everywhere");

    await next(5);
    await page.waitForSelector(".start");
    expect(await page.locator(".tour-bar .next").count()).toBe(0);
    await page.click(".tour-bar .all");
    await page.waitForSelector("[data-stop='5']");
    expect(await page.locator(".tour-bar").count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
