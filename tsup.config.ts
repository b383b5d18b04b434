import { defineConfig, type Options } from "tsup";

const shared: Options = {
  target: "es2022",
  loader: { ".wgsl": "text" },
  sourcemap: true,
  // The two configurations below build at the same time into one folder, so neither may empty it.
  clean: false,
};

export default defineConfig([
  {
    ...shared,
    entry: { index: "src/index.ts" },
    format: ["esm", "cjs"],
    platform: "neutral",
    splitting: false,
    // `webgpu` is an optional peer that only Node loads, at run time.
    external: ["webgpu"],
    dts: { banner: '/// <reference types="@webgpu/types" />' },
  },
  {
    ...shared,
    entry: { cli: "src/cli/index.ts" },
    format: ["esm"],
    platform: "node",
    splitting: false,
    external: ["webgpu"],
    banner: { js: "#!/usr/bin/env node" },
  },
]);
