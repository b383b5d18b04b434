// ml-matrix gives every matrix some hundred elementwise operations. No bundler can take them away, because they are
// assigned to a prototype. This plugin of esbuild leaves out those that neither src/ nor the rest of ml-matrix calls.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./processes.mjs";

const text = (path) => readFileSync(path, "utf8");
const called = (code) => code.replaceAll(/Math\.\w+/g, "").match(/(?<=\.)\w+(?=\()/g) ?? [];

const calledBelow = (folder, leftOut) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => /\.[jt]s$/.test(name) && !leftOut.test(name))
    .flatMap((name) => called(text(join(folder, name))));

/** The operations that `names` lead to: `add` calls `addS` or `addM`. */
function used(operations, names) {
  const taken = new Set();
  const wanted = new Set(names);
  for (const name of wanted)
    for (const { name: own, code } of operations)
      if (own === name && !taken.has(code)) {
        taken.add(code);
        for (const next of called(code)) wanted.add(next);
      }
  return operations.filter(({ code }) => taken.has(code));
}

const operationsFile = /ml-matrix[\\/]src[\\/]mathOperations\.js$/;

/** Takes `export function install(...) {`, one assignment after the other, and `}`. */
export const usedOperations = {
  name: "used operations",
  setup(setup) {
    setup.onLoad({ filter: operationsFile }, ({ path }) => {
      const [head, ...rest] = text(path)
        .trim()
        .slice(0, -1)
        .split(/\n(?= {2}AbstractMatrix\.)/);
      const operations = rest.map((code) => ({ name: /AbstractMatrix\.(?:prototype\.)?(\w+)/.exec(code)[1], code }));
      const names = [
        ...calledBelow(join(root, "src"), /\.d\.ts$/),
        ...calledBelow(join(root, "node_modules/ml-matrix/src"), /mathOperations\.js$/),
      ];
      return { contents: [head, ...used(operations, names).map(({ code }) => code), "}"].join("\n") };
    });
  },
};
