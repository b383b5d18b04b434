import { defineConfig, type Plugin } from "vitest/config";

/** Gives a `.wgsl` file as its text, as the build does. */
const shaderText: Plugin = {
  name: "shader-text",
  transform: (code, id) =>
    id.endsWith(".wgsl") ? { code: `export default ${JSON.stringify(code)};`, map: null } : undefined,
};

export default defineConfig({
  plugins: [shaderText],
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/package/**"],
    // Dawn's Node binding does not survive worker threads, and software adapters want all cores.
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
