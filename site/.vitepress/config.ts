import commonJsKatex from "@vscode/markdown-it-katex";
import { join } from "node:path";
import { defineConfig, type MarkdownRenderer } from "vitepress";
import { vitePrograms } from "../../scripts/programs.mjs";
import { navigation, sidebar } from "./contents.js";

const root = join(import.meta.dirname, "../..");

type Plugin = (page: MarkdownRenderer) => void;

/** A CommonJS module, whose default export Node wraps once more; its types are those of another markdown-it. */
const wrapped = commonJsKatex as unknown as Plugin & { readonly default?: Plugin };
const katex = wrapped.default ?? wrapped;

export default defineConfig({
  title: "attention-kernels",
  description: "What does an attention kernel do to learning? Documentation, and pages on which the library computes.",
  lang: "en",
  srcDir: "..",
  srcExclude: ["bench/**", "out/**", "src/**", "tests/**"],
  rewrites: { "site/pages/:path(.*)": ":path" },
  outDir: join(root, "out/site"),
  cacheDir: join(root, "node_modules/.cache/attention-kernels/site"),
  cleanUrls: false,
  metaChunk: true,
  head: [["meta", { name: "color-scheme", content: "light dark" }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (page) => void page.use(katex),
  },
  themeConfig: {
    nav: navigation,
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    docFooter: { prev: "Before", next: "Next" },
  },
  vite: {
    plugins: [vitePrograms()],
    publicDir: join(root, "site/public"),
    resolve: {
      alias: [
        { find: /^attention-kernels$/, replacement: join(root, "src/index.ts") },
        { find: /^attention-kernels\/(\w+)$/, replacement: join(root, "src/$1/index.ts") },
        { find: /^ml-matrix$/, replacement: join(root, "node_modules/ml-matrix/src/index.js") },
      ],
    },
    worker: { format: "es", plugins: () => [vitePrograms()] },
  },
});
