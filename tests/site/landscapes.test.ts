import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { landscape, type Found } from "../../site/landscapes/landscape.js";
import { schema, taskOf, type Settings } from "../../site/landscapes/settings.js";
import { presets } from "../../site/three-matrices/settings.js";
import { problemOf, stepSizeOf } from "../../site/three-matrices/problem.js";
import { checkConvergence, cpu, kernels, type TiledKernel } from "../../src/index.js";
import { filterNormalizedDirection, readVector } from "../../src/analysis/index.js";
import { random } from "../../src/core/random.js";
import { moved } from "../../src/numerics/vectors.js";
import { descend } from "../../src/theory/descend.js";
import { hasChromium } from "../package/chromium.js";
import { openSite, runScript, type Opened, type Site } from "./site.js";

const initial = Object.fromEntries(Object.entries(schema).map(([name, own]) => [name, own.initial])) as Settings;
const small: Settings = { ...initial, steps: "200", points: "21" };
const query = "steps=200&points=21";

describe("the landscapes of the page, computed in Node", () => {
  it("have the losses of checkConvergence at every point, and the descent of descend", async () => {
    const settings: Settings = { ...small, equal: false, plane: "random", draw: 5, reach: 2 };
    const task = taskOf(settings);
    const problem = problemOf(task);
    const query = cpu.tensor(problem.weights.query.flat(2), [4, 8, 8]);
    const center = await readVector({ query });
    const source = random(5);
    const directions = [0, 1].map(() => filterNormalizedDirection({ query }, center, source));
    for (const { kernel, x, y, losses, path } of await landscape(task)) {
      const own = kernels[kernel]() as TiledKernel;
      for (const [i, j] of [
        [0, 0],
        [3, 17],
        [10, 10],
        [20, 20],
      ]) {
        const numbers = Array.from(moved(center, directions, [x[i], y[j]]));
        const moving = Array.from({ length: 4 }, (_, head) =>
          Array.from({ length: 8 }, (_, row) => numbers.slice(64 * head + 8 * row, 64 * head + 8 * row + 8)),
        );
        const there = { ...problem, weights: { ...problem.weights, query: moving } };
        const { initialLoss } = checkConvergence(there, { kernel: own, trainable: ["query"] });
        expect(losses[i * 21 + j] / initialLoss).toBeCloseTo(1, 9);
      }
      const how = { kernel: own, trainable: ["query"], stepShare: 0.5 } as const;
      const stepSize = stepSizeOf(problem, how);
      const all = await descend(problem, own, ["query"], { stepSize, steps: 200, tolerance: 1e-6 });
      expect(path.steps.at(-1)).toBe(all.length - 1);
      path.steps.forEach((step, index) => expect(path.losses[index]).toBe(all[step]));
    }
  });

  it("put the start and both ends into one plane, and the surface's height at the ends", async () => {
    const [soft, gauss] = await landscape(taskOf({ ...small, equal: false, heads: 2, v: 3, points: "51" }));
    expect(soft.x).toEqual(gauss.x);
    expect([soft.used, gauss.used]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect([soft.path.x[0], soft.path.y[0]].map((at) => Math.abs(at))).toEqual([0, 0]);
    for (const { x, y, losses, path } of [soft, gauss]) {
      // bilinear between the four points around the end
      const at = (axis: readonly number[], place: number): number => (place - axis[0]) / (axis[1] - axis[0]);
      const [a, b] = [at(x, path.x.at(-1)!), at(y, path.y.at(-1)!)];
      const [i, j] = [Math.floor(a), Math.floor(b)];
      const corner = (di: number, dj: number): number => losses[(i + di) * 51 + j + dj];
      const low = corner(0, 0) * (1 - b + j) + corner(0, 1) * (b - j);
      const high = corner(1, 0) * (1 - b + j) + corner(1, 1) * (b - j);
      const between = low * (1 - a + i) + high * (a - i);
      expect(Math.abs(between - path.losses.at(-1)!)).toBeLessThan(0.02 * path.losses[0]);
    }
  });
});

describe.runIf(hasChromium)("the page of landscapes", () => {
  let site: Site;
  let opened: Opened;
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    opened = await site.open(`explore/landscapes.html?${query}`, { reducedMotion: "reduce" });
  });
  afterAll(() => site?.close());

  /** Waits for the pictures of some settings, and compares them with the library's in Node. */
  async function expectShown(changed: Partial<Settings>): Promise<Found[]> {
    const expected = await landscape(taskOf({ ...small, ...changed }));
    const { page } = opened;
    await page.waitForSelector(".explorable[data-done=true]");
    const read = async (name: string): Promise<number[]> =>
      (
        await page
          .locator(`[data-${name}]`)
          .evaluateAll((all, own) => all.map((cell) => cell.getAttribute(own)), `data-${name}`)
      ).map(Number);
    const wanted: [name: string, of: (found: Found) => number][] = [
      ["first", ({ path }) => path.losses[0]],
      ["end", ({ path }) => path.losses.at(-1)!],
      ["loss", ({ path }) => path.losses.at(-1)!],
      ["lowest", ({ losses }) => Math.min(...losses)],
      ["highest", ({ losses }) => Math.max(...losses)],
    ];
    for (const [name, of] of wanted) {
      const shown = await read(name);
      expect(shown).toHaveLength(2);
      expected.forEach((found, index) => expect(shown[index] / of(found)).toBeCloseTo(1, 6));
    }
    return expected;
  }
  /** Changes a setting, and waits until the worker has begun anew. */
  async function change(work: () => Promise<unknown>): Promise<void> {
    await work();
    await opened.page.waitForSelector(".explorable[data-done=false]", { state: "attached" });
  }

  it("shows that softmax is flat on equal values, and the Gaussian is not", async () => {
    const [soft, gauss] = await expectShown({});
    expect(Math.max(...soft.losses) / Math.min(...soft.losses) - 1).toBeLessThan(1e-9);
    expect(Math.max(...gauss.losses) / Math.min(...gauss.losses)).toBeGreaterThan(1e3);
    const { page } = opened;
    expect(await page.textContent("td:has-text('it stays where it is')")).toBeTruthy();
    expect(await page.textContent("td:has-text('none: flat')")).toBeTruthy();
    expect(await page.getAttribute("[data-kernel=softmax] canvas", "aria-label")).toContain("flat, 2.03 everywhere");
    expect(opened.faults).toEqual([]);
  });

  it("gives a script that computes the same in Node", async () => {
    const [, gauss] = await expectShown({});
    const printed = await runScript(opened.page);
    expect(printed).toContain(`gaussian: losses ${Math.min(...gauss.losses)} to ${Math.max(...gauss.losses)}`);
    expect(printed).toContain(`to ${gauss.path.losses.at(-1)} in ${gauss.path.steps.at(-1)} steps`);
  });

  it("follows every control with the numbers of the library in Node", async () => {
    const { page } = opened;
    await change(() => page.selectOption("[aria-label='Kernel beside softmax']", "laplacian"));
    await change(() => page.selectOption("[aria-label=Plane]", "path"));
    await expectShown({ kernel: "laplacian", plane: "path" });
    await change(() => page.selectOption("[aria-label=Plane]", "random"));
    await change(() => page.selectOption("[aria-label='Around the']", "end"));
    await change(() => page.click(".field:has(.draw) button"));
    const random: Partial<Settings> = { kernel: "laplacian", plane: "random", around: "end", draw: 2 };
    await page.focus("[aria-label='Size of the window']");
    await change(() => page.keyboard.press("ArrowRight"));
    const reach = Number(new URL(page.url()).searchParams.get("reach"));
    expect(reach).toBeGreaterThan(1);
    await change(() => page.selectOption("[aria-label='Points along a side']", "31"));
    await expectShown({ ...random, reach, points: "31" });
  });

  it("follows the controls of the problem", async () => {
    const { page } = opened;
    await change(() => page.selectOption("[aria-label='Points along a side']", "21"));
    for (const { name } of presets) {
      await page.click(`.presets >> text="${name}"`);
      await page.waitForSelector(`.presets [aria-pressed=true] >> text="${name}"`);
    }
    await change(() => page.click(".presets >> text='Both learn'"));
    const problem: Partial<Settings> = { kernel: "laplacian", plane: "random", around: "end", draw: 2 };
    const reach = Number(new URL(page.url()).searchParams.get("reach"));
    const own: Partial<Settings> = { ...problem, reach, equal: false, heads: 2, v: 3 };
    await change(() => page.click(".trains >> nth=1"));
    await change(() => page.click(".field:has(.seed) button"));
    const all: [label: string, name: "heads" | "qk" | "v" | "share"][] = [
      ["Heads", "heads"],
      ["Scale of W^Q and W^K", "qk"],
      ["Scale of W^V", "v"],
      ["Step size, times 1/σ_max(J)²", "share"],
    ];
    const changed: Partial<Settings> = {};
    for (const [label, name] of all) {
      await page.focus(`[aria-label='${label}']`);
      await change(() => page.keyboard.press("ArrowRight"));
      changed[name] = Number(new URL(page.url()).searchParams.get(name));
    }
    await change(() => page.check("input[type=checkbox]"));
    await change(() => page.selectOption("[aria-label='Most steps']", "1000"));
    const whole: Partial<Settings> = { ...own, ...changed, train: ["query", "key"], seed: 2, equal: true };
    expect(changed.heads).toBe(3);
    await expectShown({ ...whole, steps: "1000" });
  });

  it("turns by keys, pointer and sliders, and goes along the descent", async () => {
    const { page, faults } = opened;
    const picture = (): Promise<string> =>
      page
        .locator("[data-kernel=laplacian] canvas")
        .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    const turned = async (work: () => Promise<unknown>, name: "turn" | "tilt" | "scale"): Promise<string> => {
      const before = await picture();
      await work();
      await expect.poll(picture).not.toBe(before);
      return new URL(page.url()).searchParams.get(name)!;
    };
    await change(() => page.uncheck("input[type=checkbox]")); // on equal values the weights stay where they are
    await page.waitForSelector(".explorable[data-done=true]");
    await page.focus(".surface >> nth=0");
    expect(await turned(() => page.keyboard.press("ArrowLeft"), "turn")).toBe("45");
    expect(await turned(() => page.keyboard.press("ArrowUp"), "tilt")).toBe("35");
    const { x, y } = (await page.locator(".surface >> nth=1").boundingBox())!;
    await turned(async () => {
      await page.mouse.move(x + 150, y + 100);
      await page.mouse.down();
      await page.mouse.move(x + 110, y + 100, { steps: 4 });
      await page.mouse.up();
    }, "turn").then((turn) => expect(turn).toBe("65"));
    await page.focus("[aria-label='Turn, in degrees']");
    expect(await turned(() => page.keyboard.press("ArrowLeft"), "turn")).toBe("64");
    await page.focus("[aria-label='Tilt, in degrees']");
    expect(await turned(() => page.keyboard.press("ArrowLeft"), "tilt")).toBe("34");
    expect(await turned(() => page.selectOption("[aria-label=Height]", "linear"), "scale")).toBe("linear");
    const end = await picture();
    await page.focus(".playbar-place");
    await page.keyboard.press("Home");
    const first = await page.getAttribute("[data-kernel=laplacian] [data-loss]", "data-loss");
    expect(first).toBe(await page.locator("[data-first] >> nth=1").getAttribute("data-first"));
    await expect.poll(picture).not.toBe(end);
    expect(faults).toEqual([]);
  });
});
