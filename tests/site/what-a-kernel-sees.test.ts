import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { see } from "../../site/what-a-kernel-sees/see.js";
import {
  describe as describeKernel,
  kernelNames,
  schema,
  type Point,
  type Question,
} from "../../site/what-a-kernel-sees/settings.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, runScript, type Opened, type Site } from "./site.js";

const question: Question = {
  kernel: "softmax",
  points: schema.points.initial,
  parameters: {},
  mask: "none",
  bias: "none",
  equalValues: false,
  chosen: 0,
  target: schema.target.initial[0],
};
const shown = async (page: Page, name: string): Promise<number> =>
  Number(await page.getAttribute(`[data-${name}]`, `data-${name}`));

describe.runIf(hasChromium)("the page of what a kernel sees", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    opened = await site.open("explore/what-a-kernel-sees.html");
    await opened.page.waitForSelector("[data-loss]");
  });
  afterAll(() => site?.close());

  /** Waits for the answer to a question, and compares it with the library's in Node. */
  async function expectSeen(changed: Partial<Question>, of: "q" | "k" | "v" = "q"): Promise<void> {
    const expected = await see({ ...question, ...changed });
    const close = `Math.abs(document.querySelector("[data-loss]")?.dataset.loss / ${expected.loss} - 1) < 1e-9`;
    await opened.page.waitForFunction(close, undefined, { timeout: 20_000 });
    const weights = await opened.page
      .locator("[data-weight]")
      .evaluateAll((cells) => cells.map((cell) => cell.getAttribute("data-weight")));
    expected.weights?.flat().forEach((weight, index) => expect(Number(weights[index])).toBeCloseTo(weight, 9));
    const gradient = Math.hypot(...expected.gradients[of].flat());
    expect(await shown(opened.page, "gradient")).toBeCloseTo(gradient, 9);
  }

  it("shows what every kernel of the registry makes of the tokens", async () => {
    for (const kernel of kernelNames) {
      await opened.page.selectOption("[aria-label=Kernel]", kernel);
      await expectSeen({ kernel });
    }
    expect(opened.faults).toEqual([]);
  });

  it("follows masks, biases, equal values, parameters, and tokens by keyboard and pointer", async () => {
    const { page } = opened;
    await page.selectOption("[aria-label=Kernel]", "gaussian");
    await page.selectOption("select:has(option[value=causal])", "causal");
    await expectSeen({ kernel: "gaussian", mask: "causal" });
    await page.selectOption("select:has(option[value=alibi])", "alibi");
    await page.check("input[type=checkbox]");
    const common = { kernel: "gaussian", mask: "causal", bias: "alibi", equalValues: true } as const;
    await expectSeen(common);
    await page.focus(".token >> nth=0");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowUp");
    const points = [[-1.5, 1] as const, ...question.points.slice(1)];
    await expectSeen({ ...common, points });
    const box = (await page.locator(".target .hit").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 80, box.y + 60, { steps: 4 });
    await page.mouse.up();
    const target = new URL(page.url()).searchParams.get("target")!.split("_").map(Number) as [number, number];
    expect(target).not.toEqual(question.target);
    await expectSeen({ ...common, points, target });
  });

  it("shows that equal values leave softmax's queries no gradient", async () => {
    const { page } = opened;
    await page.selectOption("[aria-label=Kernel]", "softmax");
    await page.waitForFunction("document.querySelector('[data-gradient]')?.textContent === 'zero'");
    expect(await shown(page, "gradient")).toBeLessThan(1e-15);
    expect(await page.locator(".arrow").count()).toBe(0);
  });

  it("follows parameters, the window, the chosen token, its arrows, and the target by keyboard", async () => {
    const { page } = await site.open("explore/what-a-kernel-sees.html?kernel=polynomial");
    opened = { ...opened, page };
    const described = describeKernel("polynomial").parameters;
    expect(described.length).toBeGreaterThan(1);
    let parameters = {};
    for (const { name } of described) {
      await page.focus(`[aria-label='${name}']`);
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction(`location.search.includes("${name}_")`);
      const set = new URL(page.url()).searchParams.get("set")!.split("~");
      parameters = Object.fromEntries(set.map((pair) => pair.split("_")).map(([own, value]) => [own, Number(value)]));
      expect(parameters).toHaveProperty(name);
      await expectSeen({ kernel: "polynomial", parameters });
    }
    await page.selectOption("select:has(option[value=window])", "window");
    const common = { kernel: "polynomial", parameters, mask: "window" } as const;
    await expectSeen(common);
    await page.focus(".token >> nth=2");
    await page.keyboard.press("Enter");
    await expectSeen({ ...common, chosen: 2 });
    for (const of of ["k", "v"] as const) {
      await page.selectOption("[aria-label='Arrows of the']", of);
      await expectSeen({ ...common, chosen: 2 }, of);
    }
    await page.focus(".target");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowDown");
    await expectSeen({ ...common, chosen: 2, target: [0.1, 0.3] }, "v");
    await page.locator(".token >> nth=3").scrollIntoViewIfNeeded();
    const box = (await page.locator(".token >> nth=3").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x - 60, box.y - 40, { steps: 3 });
    await page.mouse.up();
    const pairs = new URL(page.url()).searchParams.get("points")!.split("~");
    const points = pairs.map((pair) => pair.split("_").map(Number) as unknown as Point);
    expect(points[3]).not.toEqual(question.points[3]);
    const last = { ...common, chosen: 3, target: [0.1, 0.3] as const, points };
    await expectSeen(last, "v");
    expect(await runScript(page)).toContain(`loss: ${(await see({ ...question, ...last })).loss}`);
    await page.context().close();
  });
});
