import { readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launch, serve } from "./chromium.js";
import { installPackage, type Installed } from "./installed.js";

const page = readFileSync(new URL("../../docs/browser.md", import.meta.url), "utf8");

describe.runIf(hasChromium)("docs/browser.md, built with Vite from the packed tarball", () => {
  let installed: Installed;
  let browser: Browser;
  let server: Server;
  let address: string;
  beforeAll(async () => {
    installed = installPackage([]);
    const files = [...page.matchAll(/^`([\w.]+)`\n\n```\w+\n([^]*?)```/gm)];
    expect(files.map(([, name]) => name)).toEqual(["index.html", "main.js", "worker.js", "vite.config.js"]);
    for (const [, name, text] of files) writeFileSync(join(installed.folder, name), text);
    await build({ root: installed.folder, logLevel: "error" });
    ({ server, address } = await serve((path) =>
      readFileSync(join(installed.folder, "dist", path === "" ? "index.html" : path), "utf8"),
    ));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    installed.remove();
  });

  it("trains 1000 steps in a worker in constant memory, learns, and writes", async () => {
    const view = await browser.newPage();
    const errors: string[] = [];
    view.on("pageerror", (error) => errors.push(error.message));
    await view.goto(address);
    await view.fill("#steps", "1000");
    await view.click("#train");
    await view.waitForFunction("!document.querySelector('#train').disabled", undefined, { timeout: 170_000 });
    const log = (await view.textContent("#log"))!;
    expect(errors).toEqual([]);
    const lines = [...log.matchAll(/^step (\d+): loss ([\d.]+), (\d+) bytes/gm)].map((line) =>
      line.slice(1).map(Number),
    );
    expect(lines.map(([step]) => step)).toEqual(Array.from({ length: 50 }, (_, at) => 20 * (at + 1)));
    expect(new Set(lines.map(([, , bytes]) => bytes)).size).toBe(1);
    expect(lines.at(-1)![1]).toBeLessThan(0.3);
    expect(log).toMatch(/\n"a rose i[a-z. ]{8}"\n$/);
  });
});
