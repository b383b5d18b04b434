import { existsSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { build, type BuildResult } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launch, serve } from "./chromium.js";
import { difference, FLOAT32_AGREEMENT, installPackage, type Answers, type Installed } from "./installed.js";

describe("the packed tarball in a browser", () => {
  let installed: Installed;
  let bundle: BuildResult<{ write: false; metafile: true }>;
  beforeAll(async () => {
    // With webgpu installed, so that a bundler could take it in.
    installed = installPackage(["webgpu"]);
    bundle = await build({
      absWorkingDir: installed.folder,
      entryPoints: ["page.js"],
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
  });
  afterAll(() => installed.remove());

  it("bundles without Dawn, Node's modules and the command line", () => {
    const output = Object.values(bundle.metafile.outputs)[0];
    // A package that `browser` in package.json switches off leaves an empty module.
    const used = Object.entries(output.inputs).filter(
      ([path, { bytesInOutput }]) => bytesInOutput > 0 && !path.startsWith("(disabled)"),
    );
    const packages = used.flatMap(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
    expect(bundle.warnings).toEqual([]);
    expect(output.imports).toEqual([]);
    for (const name of ["webgpu", "commander", "cli-progress", "csv-parse", "linkedom", "@observablehq/plot"]) {
      expect(packages).not.toContain(name);
    }
    expect(bundle.outputFiles[0].text).not.toMatch(/dawn\.node|node:/);
  });

  describe.runIf(hasChromium)("in a headless page", () => {
    let browser: Browser;
    let server: Server;
    let address: string;
    beforeAll(async () => {
      const text = readFileSync(join(installed.folder, "page.js"), "utf8");
      const from = (file: string): string =>
        text.replace('"attention-kernels"', `"/node_modules/attention-kernels/dist/${file}"`);
      const scripts: Readonly<Record<string, string>> = {
        "bundle.js": bundle.outputFiles[0].text,
        "standalone.js": from("attention-kernels.min.js"),
        "modules.js": from("index.js"),
      };
      ({ server, address } = await serve((path) => {
        if (path.startsWith("?")) return `<!doctype html><script type="module" src="${path.slice(1)}"></script>`;
        const file = join(installed.folder, path);
        return scripts[path] ?? (existsSync(file) ? readFileSync(file, "utf8") : undefined);
      }));
      browser = await launch();
    });
    afterAll(async () => {
      await browser.close();
      server.close();
    });

    it.each(["bundle.js", "standalone.js", "modules.js"])(
      "computes on WebGPU what the CPU computes: %s",
      async (name) => {
        const page = await browser.newPage();
        const errors: string[] = [];
        page.on("pageerror", (error) => errors.push(error.message));
        await page.goto(`${address}?${name}`);
        await page.waitForFunction("globalThis.run !== undefined").catch((error: Error) => errors.push(error.message));
        expect(errors).toEqual([]);
        const { cpu, gpu } = await page.evaluate<{ cpu: Answers; gpu: Answers }>("run()");
        expect(difference(cpu, gpu)).toBeLessThan(FLOAT32_AGREEMENT);
      },
    );
  });
});
