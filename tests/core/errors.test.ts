import { transform } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as errors from "../../src/core/errors.js";
import { requestGpu, UnsupportedError } from "../../src/index.js";

describe("the names of errors", () => {
  it("are those of their classes, at the head of their stacks too", () => {
    for (const [name, type] of Object.entries(errors)) {
      const error = new type("what happened");
      expect([error.name, String(error), error.stack?.split("\n")[0]]).toEqual([
        name,
        `${name}: what happened`,
        `${name}: what happened`,
      ]);
      expect(Object.keys(error)).toEqual([]);
    }
  });

  it("survive minification", async () => {
    const source = await readFile(fileURLToPath(new URL("../../src/core/errors.ts", import.meta.url)), "utf8");
    const { code } = await transform(source, { loader: "ts", minify: true, format: "esm", target: "es2022" });
    const minified = (await import(
      /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`
    )) as typeof errors;
    expect(minified.ShapeError.name).not.toBe("ShapeError");
    for (const [name, type] of Object.entries(minified)) expect(new type("x").name).toBe(name);
  });
});

describe("what is said where there is no adapter", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    ["no WebGPU", undefined],
    ["WebGPU without an adapter", { requestAdapter: () => Promise.resolve(null) }],
  ])("in a browser with %s: nothing about drivers or npm", async (_, gpu) => {
    vi.stubGlobal("navigator", { gpu });
    vi.stubGlobal("process", undefined);
    const error: unknown = await requestGpu().catch((reason: unknown) => reason);
    vi.unstubAllGlobals();
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(String(error)).toMatch(/browser with WebGPU.*https/);
    expect(String(error)).not.toMatch(/Mesa|Vulkan|npm/);
  });
});
