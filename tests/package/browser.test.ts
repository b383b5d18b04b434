import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build, type BuildResult } from "esbuild";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unpack } from "../../scripts/archive.mjs";
import { difference, FLOAT32_AGREEMENT, installPackage, type Answers, type Installed } from "./installed.js";

// Chromium with the shared libraries that a bare system lacks, in one folder; npm has it for this system only.
const hasChromium = process.platform === "linux" && process.arch === "x64";
const parts = ["chromium.br", "swiftshader.tar.br", "al2023.tar.br"];
const launchArguments = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** Serves the files of a folder, a page at "/" with this script, and scripts by name. */
function serve(folder: string, scripts: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((request, response) => {
    const [, name, query] = /^\/([^?]*)\??(.*)$/.exec(request.url!)!;
    response.setHeader("content-type", name === "" ? "text/html" : "text/javascript");
    if (name === "") response.end(`<!doctype html><script type="module" src="${query}"></script>`);
    else if (name in scripts) response.end(scripts[name]);
    else response.end(existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

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
    beforeAll(async () => {
      const folder = unpack("chromium", parts);
      const text = readFileSync(join(installed.folder, "page.js"), "utf8");
      const from = (file: string): string =>
        text.replace('"attention-kernels"', `"/node_modules/attention-kernels/dist/${file}"`);
      server = await serve(installed.folder, {
        "bundle.js": bundle.outputFiles[0].text,
        "standalone.js": from("attention-kernels.min.js"),
        "modules.js": from("index.js"),
      });
      // A driver chosen for Dawn in Node is not the page's.
      const env = Object.entries(process.env).filter(
        ([name]) => name !== "VK_DRIVER_FILES" && name !== "VK_ICD_FILENAMES",
      );
      browser = await chromium.launch({
        executablePath: join(folder, "chromium"),
        args: launchArguments,
        env: { ...Object.fromEntries(env), LD_LIBRARY_PATH: folder },
      });
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
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?${name}`);
        await page.waitForFunction("globalThis.run !== undefined").catch((error: Error) => errors.push(error.message));
        expect(errors).toEqual([]);
        const { cpu, gpu } = await page.evaluate<{ cpu: Answers; gpu: Answers }>("run()");
        expect(difference(cpu, gpu)).toBeLessThan(FLOAT32_AGREEMENT);
      },
    );
  });
});
