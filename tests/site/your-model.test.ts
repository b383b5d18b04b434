import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpu, random } from "../../src/index.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { dissect as study } from "../../src/studies/dissect/study.js";
import { encodeSafetensors } from "../../src/weights/index.js";
import { dissect, sampleModel, type Layer } from "../../site/your-model/dissect.js";
import { hasChromium } from "../package/chromium.js";
import { layouts } from "../support/model-names.js";
import * as pickle from "../support/pickle-files.js";
import { optionsOf } from "../support/study.js";
import { expectAccessible, openSite, runScript, type Opened, type Site } from "./site.js";

const [WIDTH, HEADS] = [24, 3];
const stream = random(2);
const [query, other] = [0, 1].map(() => Float32Array.from(stream.normals(WIDTH * WIDTH)));
/** W_k of three layers with the same W_q: tokens attend to similar ones, to random ones, to opposite ones. */
const keys = [query, other, query.map((value) => -value)];

/** A ViT without the number of its heads. */
const vit = Buffer.from(
  encodeSafetensors(
    Object.fromEntries(
      keys.flatMap((key, layer) => {
        const names = layouts.vit(layer);
        return [
          [`vit.${names.query}`, { shape: [WIDTH, WIDTH], data: query, dtype: "F32" as const }],
          [`vit.${names.key}`, { shape: [WIDTH, WIDTH], data: key, dtype: "F32" as const }],
        ];
      }),
    ),
  ),
);
const bytesOf = (...parts: readonly Float32Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map(({ buffer }) => Buffer.from(buffer))));
/** The same numbers as `torch.save` writes them, under names that nobody knows, stored [in, out]. */
const transposed = (matrix: Float32Array): Float32Array =>
  matrix.map((_, at) => matrix[(at % WIDTH) * WIDTH + Math.floor(at / WIDTH)]);
const torch = Buffer.from(
  pickle.checkpoint(
    pickle.dictionary(
      Object.fromEntries(
        keys.flatMap((_, layer) =>
          ["ask", "answer"].map((name, part) => [
            `stage.${layer}.${name}`,
            pickle.tensor({ key: `${2 * layer + part}`, count: WIDTH ** 2 }, [WIDTH, WIDTH]),
          ]),
        ),
      ),
    ),
    Object.fromEntries(
      keys.flatMap((key, layer) => [query, key].map((own, part) => [`${2 * layer + part}`, bytesOf(transposed(own))])),
    ),
  ),
);

const numbers = (page: Page, name: string): Promise<number[]> =>
  page
    .locator(`[data-${name}]`)
    .evaluateAll((all, attribute) => all.map((element) => Number(element.getAttribute(attribute))), `data-${name}`);

describe.runIf(hasChromium)("the page of the visitor's model", () => {
  let site: Site;
  let opened: Opened;
  let folder = "";
  let expected: { readonly layers: readonly Layer[]; readonly control: Layer };
  beforeAll(async () => {
    site = await openSite({ webgpu: false });
    opened = await site.open("explore/your-model.html");
    folder = mkdtempSync(join(tmpdir(), "your-model-"));
    writeFileSync(join(folder, "model.safetensors"), vit);
    writeFileSync(join(folder, "config.json"), JSON.stringify({ num_attention_heads: HEADS }));
    const options = optionsOf(study, { model: join(folder, "model.safetensors") });
    const { results } = await conduct(study, options, { backend: cpu, seed: 1, out: join(folder, "out"), command: "" });
    expected = results.measurements as never;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await site?.close();
  });

  const input = "input[type=file]";
  const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  const settled = (state: string): Promise<unknown> =>
    opened.page.waitForSelector(`.explorable[data-state=${state}]`, { timeout: 20_000 });

  /** Types a text into a field, and leaves it. */
  async function enter(field: string, text: string): Promise<void> {
    await opened.page.fill(field, text);
    await opened.page.locator(field).blur();
  }

  /** Compares what the page shows with what `analyze dissect` finds. */
  async function expectStudy(): Promise<void> {
    await settled("done");
    const { layers, control } = expected;
    const means = await numbers(opened.page, "weighted-mean");
    [...layers, control].forEach(({ weighted }, at) => expect(means[at]).toBeCloseTo(weighted, 12));
    expect(means).toHaveLength(layers.length + 1);
    const heads = await numbers(opened.page, "weighted");
    expect(heads).toHaveLength(layers.length * HEADS);
    for (const [at, mean] of means.slice(0, -1).entries()) {
      const own = heads.slice(at * HEADS, (at + 1) * HEADS);
      expect(own.reduce((sum, value) => sum + value, 0) / HEADS).toBeCloseTo(mean, 12);
    }
  }
  async function expectModes(layer: number, head: number): Promise<void> {
    const { singularValues, cosines } = expected.layers[layer].heads[head];
    const [sigmas, shown] = [await numbers(opened.page, "sigma"), await numbers(opened.page, "cosine")];
    expect(sigmas).toHaveLength(8);
    sigmas.forEach((sigma, mode) => expect(sigma / singularValues[mode]).toBeCloseTo(1, 10));
    shown.forEach((cosine, mode) => expect(cosine).toBeCloseTo(cosines[mode], 9));
  }

  it("asks for the number of heads, takes it by hand, and finds what analyze dissect finds", async () => {
    const { page, faults } = opened;
    await page.setInputFiles(input, file("model.safetensors", vit));
    await settled("failed");
    expect(await page.textContent("[role=alert]")).toMatch(/^countHeads: heads: wanted the number of heads/);
    await enter("[aria-label='Heads of a layer']", String(HEADS));
    await expectStudy();
    expect((await numbers(page, "weighted"))[0]).toBeCloseTo(1, 9);
    await expectModes(0, 0);
    await page.focus(".cell[aria-pressed=true]");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    expect(await page.textContent(".chosen h2")).toBe("Layer 1, head 1");
    await expectModes(1, 1);
    await page.click("tbody tr:nth-child(3) .cell >> nth=2");
    await expectModes(2, 2);
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ heads: "3", layer: "2", head: "2" });
    await expectAccessible(page);
    expect(faults).toEqual([]);
  });

  it("takes files that are dropped, with config.json, and the seed of the control", async () => {
    const { page } = opened;
    await enter("[aria-label='Heads of a layer']", "");
    const transfer = await page.evaluateHandle(
      ([model, config]) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(model), (c) => c.charCodeAt(0))], "model.safetensors"));
        data.items.add(new File([config], "config.json"));
        return data;
      },
      [vit.toString("base64"), JSON.stringify({ num_attention_heads: HEADS })],
    );
    await page.dispatchEvent(".drop", "drop", { dataTransfer: transfer });
    await page.waitForSelector("text=/by config.json/");
    await expectStudy();
    await enter("[aria-label=Seed]", "5");
    const model = { file: new Uint8Array(vit), config: { num_attention_heads: HEADS } };
    const { control } = await dissect({ ...model, seed: 5 });
    const shown = async (): Promise<number | undefined> => (await numbers(page, "weighted-mean")).at(-1);
    await expect.poll(shown, { timeout: 20_000 }).toBeCloseTo(control.weighted, 12);
    await settled("done");
    expect(control.weighted).not.toBeCloseTo(expected.control.weighted, 6);
  });

  it("shows the library's errors, and reads a PyTorch file whose matrices are named by hand", async () => {
    const again = await site.open("explore/your-model.html?heads=3");
    opened = again;
    const { page } = again;
    await page.setInputFiles(input, file("notes.txt", Buffer.from("not a model")));
    await settled("failed");
    expect(await page.textContent("[role=alert]")).toMatch(/^openWeights: notes\.txt: wanted weights as safetensors/);
    await page.setInputFiles(input, file("model.pt", torch));
    await page.waitForSelector("text=/findAttention: weights: wanted attention layers named as in/");
    await enter("input[placeholder='blocks.{}.q.weight']", "stage.{}.ask");
    await enter("input[placeholder='blocks.{}.k.weight']", "stage.{}.answer");
    await page.selectOption("select:has(option[value=in-out])", "in-out");
    await expectStudy();
    expect(new URL(page.url()).searchParams.get("query")).toBe("stage.{}.ask");
    await page.setInputFiles(input, [file("a.pt", torch), file("b.pt", torch)]);
    await settled("failed");
    expect(await page.textContent("[role=alert]")).toContain("got a.pt, b.pt");
  });

  it("makes a sample of random weights, whose script computes the same in Node", async () => {
    const { page } = opened;
    await page.click(".sample");
    await settled("done");
    await page.focus("[aria-label='Correlation of W_q and W_k']");
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction("location.search.includes('alike=0.95')");
    await settled("done");
    const { layers, control } = await dissect({ ...sampleModel({ seed: 1, alike: 0.95 }), seed: 1 });
    const means = await numbers(page, "weighted-mean");
    [...layers, control].forEach(({ weighted }, at) => expect(means[at]).toBeCloseTo(weighted, 12));
    expect(await page.textContent(".model")).toContain("random numbers, not a trained model");
    expect(await runScript(page)).toContain(`layer 5 ${layers[5].weighted} ± noise`);
    await page.context().close();
  });
});
