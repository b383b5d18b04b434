// Every entry point in one module, for the file that a page loads without a bundler.
export * from "./index.js";
export * from "./analysis/index.js";
export * from "./nn/index.js";
export * as physics from "./physics/index.js";
export * from "./theory/index.js";
export * from "./weights/index.js";
