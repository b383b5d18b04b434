import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { root } from "../../scripts/processes.mjs";
import { buildSite, siteBase } from "../../scripts/setup.mjs";
import { launch } from "../package/chromium.js";

/** The folder of the built site. */
export const folder = join(root, "out/site-tested");

/** Pages on which the library computes. */
export const explorable = readdirSync(join(root, "site/pages/explore")).map((name) => name.replace(/\.md$/, ".html"));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** A page, with what went wrong on it and which scripts it loaded. */
export interface Opened {
  readonly page: Page;
  /** Errors of scripts, failed requests, and requests to other hosts. */
  readonly faults: string[];
  /** Paths of the loaded scripts below the site's folder. */
  readonly scripts: string[];
}

/** The site on a server, and a browser for it. */
export interface Site {
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Opened>;
  readonly close: () => Promise<void>;
}

function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const path = pathname.slice(siteBase.length);
    const file = join(folder, path === "" ? "index.html" : path);
    const isThere = pathname.startsWith(siteBase) && existsSync(file) && statSync(file).isFile();
    response.writeHead(isThere ? 200 : 404, { "content-type": types[extname(file)] ?? "application/octet-stream" });
    response.end(isThere ? readFileSync(file) : undefined);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** Builds the site where its sources changed, serves it below a path, and starts a browser. */
export async function openSite(options: { readonly webgpu: boolean }): Promise<Site> {
  const { code, output } = await buildSite();
  if (code !== 0) throw new Error(output);
  const server = await serve();
  const browser: Browser = await launch(options);
  const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    async open(path, contextOptions) {
      const context = await browser.newContext(contextOptions);
      const page = await context.newPage();
      const [faults, scripts]: string[][] = [[], []];
      page.on("pageerror", ({ message }) => faults.push(message));
      page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      context.on("request", (request) => {
        const url = request.url();
        if (!/^(data|blob):/.test(url) && !url.startsWith(home)) faults.push(`a request to ${url}`);
        if (url.endsWith(".js")) scripts.push(new URL(url).pathname.slice(siteBase.length));
      });
      context.on("response", (response) => response.ok() || faults.push(`${response.status()}: ${response.url()}`));
      await page.goto(home + siteBase + path);
      return { page, faults, scripts };
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/**
 * Expects no serious fault of accessibility, by all rules or some.
 *
 * Left out are the search button, whose missing key VitePress alone can mend, and the drawings of formulas, which are
 * hidden from screen readers: these get MathML.
 */
export async function expectAccessible(page: Page, rules?: readonly string[]): Promise<void> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.addScriptTag({ content: axe.source });
  // only violations, with their nodes: naming those of all passes takes most of the time
  const options = JSON.stringify({ resultTypes: ["violations"], ...(rules === undefined ? {} : { runOnly: rules }) });
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run({ exclude: ['.DocSearch', '.katex-html'] }, ${options})`,
  );
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(" ")} ${failureSummary}`).join("; ")}`,
    );
  expect(serious).toEqual([]);
}

/** The script of a page. */
export const codeOf = async (page: Page): Promise<string> =>
  (await page.textContent(".copycode code:not(summary code)"))!;

/** What the script of a page prints in Node. */
export async function runScript(page: Page): Promise<string> {
  const code = await codeOf(page);
  const folder = mkdtempSync(join(root, "out/script-")); // below package.json, which has the package's name
  try {
    const file = join(folder, "script.mjs");
    writeFileSync(file, code);
    return execFileSync(process.execPath, [file], { encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
