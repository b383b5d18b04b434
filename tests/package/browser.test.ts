import { existsSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { build, type BuildResult } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launch, serve } from "./chromium.js";
import { difference, FLOAT32_AGREEMENT, installPackage, type Answers, type Installed } from "./installed.js";

type Bundle = BuildResult<{ write: false; metafile: true }>;

describe("the packed tarball in a browser", () => {
  let installed: Installed;
  let bundle: Bundle;
  let shared: Bundle;
  const bundled = (entry: string): Promise<Bundle> =>
    build({
      absWorkingDir: installed.folder,
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
  beforeAll(async () => {
    // With webgpu installed, so that a bundler could take it in.
    installed = installPackage(["webgpu", "@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"]);
    [bundle, shared] = await Promise.all(["page.js", "tfjs.js"].map(bundled));
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
        "tfjs.js": shared.outputFiles[0].text,
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

    /** What the function `run` of a page with this script gives. */
    async function run<Result>(script: string): Promise<Result> {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(`${address}?${script}`);
      await page.waitForFunction("globalThis.run !== undefined").catch((error: Error) => errors.push(error.message));
      expect(errors).toEqual([]);
      return page.evaluate<Result>("run()");
    }

    it.each(["bundle.js", "standalone.js", "modules.js"])(
      "computes on WebGPU what the CPU computes: %s",
      async (script) => {
        const { cpu, gpu } = await run<{ cpu: Answers; gpu: Answers }>(script);
        expect(difference(cpu, gpu)).toBeLessThan(FLOAT32_AGREEMENT);
      },
    );

    it("shares a device and tensors with TensorFlow.js, and leaves it the device", async () => {
      const { shared, cpu, alone } = await run<Record<"shared" | "cpu" | "alone", Answers>>("tfjs.js");
      expect(difference(cpu, shared)).toBeLessThan(FLOAT32_AGREEMENT);
      expect(difference(cpu, alone)).toBeLessThan(FLOAT32_AGREEMENT);
    });
  });
});
