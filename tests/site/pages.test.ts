import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { siteBase } from "../../scripts/setup.mjs";
import { hasChromium } from "../package/chromium.js";
import { codeOf, expectAccessible, explorable, folder, openSite, type Site } from "./site.js";

/** What a page is opened with: it soon has all that it computes, and leaves the processor to the check. */
const queryOf = (path: string): string => (path.includes("spins") ? "width=4&steps=2" : "steps=1000&points=21");

describe.runIf(hasChromium)("the site", () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({ webgpu: true });
  });
  afterAll(() => site?.close());

  it("has no dead link and no address of another host but those that a reader follows", () => {
    const pages = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(".html"));
    const documents = new Map(
      pages.map((page) => [page, parseHTML(readFileSync(join(folder, page), "utf8")).document]),
    );
    const dead = [...documents].flatMap(([page, document]) =>
      [...document.querySelectorAll("[href], [src]")].flatMap((element) => {
        const link = element.getAttribute("href") ?? element.getAttribute("src")!;
        if (link.startsWith("data:")) return [];
        if (/^https?:/.test(link)) return element.tagName === "A" ? [] : [`${page}: ${link}`];
        const url = new URL(link, `http://x${siteBase}${page.replaceAll("\\", "/")}`);
        const file = posix.relative(siteBase, url.pathname) || "index.html";
        const isThere = url.pathname.startsWith(siteBase) && existsSync(join(folder, file));
        const id = decodeURIComponent(url.hash.slice(1));
        const hasPlace = id === "" || documents.get(file)?.getElementById(id) != null;
        return isThere && hasPlace ? [] : [`${page}: ${link}`];
      }),
    );
    expect(pages.length).toBeGreaterThan(50);
    expect(dead).toEqual([]);
  });

  it.each([
    "",
    "docs/notation.html",
    "docs/theory.html",
    "docs/kernels/gaussian.html",
    "api/weights.html",
    ...explorable.map((name) => `explore/${name}`),
  ])(
    "opens without errors, requests to other hosts and serious faults of accessibility, light and dark: /%s",
    async (path) => {
      const { page, faults } = await site.open(`${path}?${queryOf(path)}`, {
        colorScheme: "light",
        reducedMotion: "reduce",
      });
      await page.waitForLoadState("networkidle");
      await expectAccessible(page);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.waitForSelector("html.dark");
      await expectAccessible(page, ["color-contrast"]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
  );

  it("finds a word without a network", async () => {
    const { page, faults } = await site.open("docs/theory.html");
    await page.waitForLoadState("networkidle"); // the page hears keys once its script has run
    await page.keyboard.press("Control+k");
    await page.fill(".search-input", "mahalanobis");
    await page.waitForSelector(".result");
    expect(await page.locator(".result").count()).toBeGreaterThan(2);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("copies the script", async () => {
    const permissions = ["clipboard-read", "clipboard-write"];
    const { page } = await site.open("explore/three-matrices.html", { permissions });
    await page.waitForLoadState("networkidle");
    await page.click("button >> text='Copy the code for this'");
    await page.waitForSelector(".copycode [role=status]:not(:empty)");
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(copied).toBe(await codeOf(page));
    expect(copied).toContain("attention-kernels");
    await page.context().close();
  });

  it("loads at most 250 kB of compressed script for three matrices", async () => {
    const { page, scripts } = await site.open("explore/three-matrices.html");
    await page.waitForLoadState("networkidle");
    const sizes = new Map(scripts.map((path) => [path, gzipSync(readFileSync(join(folder, path))).length]));
    const kilobytes = [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1000;
    expect([...sizes.keys()].some((path) => path.includes("worker"))).toBe(true);
    expect(kilobytes).toBeLessThan(250);
    await page.context().close();
  });
});

describe.runIf(hasChromium)("the site in a browser without WebGPU", () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
  });
  afterAll(() => site?.close());

  it.each(explorable)("opens without errors, and fits a telephone of 390 pixels: %s", async (name) => {
    const { page, faults } = await site.open(`explore/${name}`, { viewport: { width: 390, height: 800 } });
    await page.waitForLoadState("networkidle");
    expect(await page.evaluate("navigator.gpu?.requestAdapter().then((adapter) => adapter !== null) ?? false")).toBe(
      false,
    );
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
