import { defineConfig } from "vitest/config";
import { vitePrograms } from "./scripts/programs.mjs";

/** Unit tests that need modules of their own: they mock one, or ask for the first adapter of a process. */
const alone = ["core/errors", "gpu/matrices"].map((name) => `tests/${name}.test.ts`);

/** Tests for every WebGPU: errors and the loss of devices, values and gradients of every kernel, training. */
const onWgpu = ["gpu/errors", "kernels/golden", "nn/descent"].map((name) => `tests/${name}.test.ts`);

export default defineConfig({
  // the tests run what is shipped: shaders as their text, WebAssembly as its bytes
  plugins: [vitePrograms()],
  test: {
    // Dawn's Node binding does not survive worker threads; one process leaves half of two cores idle, more take turns
    // at a software adapter.
    pool: "forks",
    maxWorkers: 2,
    // a software adapter without a cache compiles for half a minute, with other work beside it for longer
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/package/**", "tests/site/**", "tests/large/**", "tests/wgpu/**", ...alone],
          // files share processes and modules: loading the library for each file takes minutes in all
          isolate: false,
        },
      },
      { extends: true, test: { name: "alone", include: alone } },
      // Not part of `npm test`: hundreds of megabytes and minutes.
      { extends: true, test: { name: "large", include: ["tests/large/**/*.test.ts"] } },
      // The other WebGPU, by Deno (scripts/wgpu.mjs): what a run of `npm test` has time for.
      { extends: true, test: { name: "wgpu", include: ["tests/wgpu/**/*.test.ts", ...onWgpu] } },
      // What `npm test` runs shorter: `npm run attack`.
      {
        extends: true,
        test: { name: "attack", include: ["tests/attack/**/*.test.ts"], env: { ATTACK: "long" }, testTimeout: 900_000 },
      },
      // These need `dist/` and the site; `npm test` builds both before.
      {
        extends: true,
        test: { name: "package", include: ["tests/package/**/*.test.ts", "tests/site/**/*.test.ts"], isolate: false },
      },
    ],
  },
});
