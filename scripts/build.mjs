// npm run build: makes dist/ from src/ and shaders/.
//
//   dist/          ES modules, one for each module of src/, with their declarations
//   dist/cjs/      the same as CommonJS
//   dist/vendor/   the packages that these modules import
//   dist/cli.js    the command line, with the packages that only it needs
//   dist/wavefunction-thread.js        a thread of its study of wave functions
//   dist/attention-kernels.min.js      everything in one file, for a page without a bundler
//   dist/THIRD-PARTY-LICENSES.txt      the licences of the packages inside these files
import { build } from "esbuild";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { root } from "./processes.mjs";
import { programs } from "./programs.mjs";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { usedOperations } from "./used-operations.mjs";

const out = "dist";
const entries = ["index", ...["nn", "theory", "weights", "analysis", "physics"].map((name) => `${name}/index`)];
const shared = { absWorkingDir: root, bundle: true, target: "es2022", logLevel: "warning", metafile: true };

/** `webgpu` is an optional peer that only Node loads, at run time. */
const external = ["webgpu"];

/** ml-matrix exports CommonJS, which bundlers cannot take apart and a page without a bundler cannot load. */
const alias = { "ml-matrix": join(root, "node_modules/ml-matrix/src/index.js") };

/** Files below a folder, as paths from the root. */
function files(folder, pattern) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .filter((path) => pattern.test(path))
    .sort();
}

/** Modules of the library; what runs studies is in the command line alone. */
const modules = [
  ...files("src", /\.ts$/).filter((path) => !/^src\/(cli|studies)\/|\.d\.ts$|^src\/standalone\.ts$/.test(path)),
  ...files("src", /\.wat$/),
  ...files("shaders", /\.wgsl$/),
];
/** Where a module stands in `dist/`, without `.js`. */
const place = (path) => path.replace(/^src\/|\.ts$/g, "");

const fromRoot = (path) => relative(root, path).replaceAll("\\", "/");

/** The module of an import such as "./softmax.js", as a path from the root. */
const imported = (path, importer) => fromRoot(join(dirname(importer), path.replace(/\.js$/, ".ts")));

/** Leaves imports of other modules as imports, and collects the packages that modules import. */
function separate(packages) {
  return {
    name: "separate",
    setup(setup) {
      setup.onResolve({ filter: /.*/ }, ({ kind, path, importer }) => {
        if (kind === "entry-point" || external.includes(path)) return undefined;
        const from = place(fromRoot(importer));
        const to = path.startsWith(".") ? place(imported(path, importer)) : `vendor/${path}`;
        if (!path.startsWith(".")) packages.add(path);
        const step = posix.relative(posix.dirname(from), `${to}.js`);
        return { path: step.startsWith(".") ? step : `./${step}`, external: true };
      });
    },
  };
}

/** One file for each module, and one for each package that they import. */
async function buildModules(format, outdir) {
  const packages = new Set();
  const { outputFiles } = await build({
    ...shared,
    minify: format === "cjs", // minified modules lose the annotations by which bundlers leave code out
    write: false,
    format,
    outdir,
    platform: "neutral",
    entryPoints: modules.map((path) => ({ in: path, out: place(path) })),
    external,
    plugins: [separate(packages), programs],
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    // esbuild's flag makes all of a CommonJS module its default export; these have default exports of their own.
    writeFileSync(path, text.replace(/([\w$]+\(require\("[^"]+"\)),1\)/g, "$1)"));
  }
  return build({
    ...shared,
    minify: true,
    format,
    outdir,
    platform: "neutral",
    mainFields: ["module", "main"],
    entryPoints: [...packages].map((name) => ({ in: alias[name] ?? name, out: `vendor/${name}` })),
    plugins: [usedOperations],
  });
}

/** The command line imports the library's modules and contains everything else. */
const buildCommandLine = () =>
  build({
    ...shared,
    format: "esm",
    outdir: out,
    platform: "node",
    mainFields: ["module", "main"],
    entryPoints: { cli: "src/cli/index.ts", "wavefunction-thread": "src/studies/wavefunction/thread.ts" },
    external,
    minify: true,
    plugins: [
      {
        name: "library",
        setup(setup) {
          setup.onResolve({ filter: /^\./ }, ({ path, importer }) => {
            const target = imported(path, importer);
            return modules.includes(target) ? { path: `./${place(target)}.js`, external: true } : undefined;
          });
          setup.onResolve({ filter: /^ml-matrix$/ }, ({ path }) => ({ path: `./vendor/${path}.js`, external: true }));
        },
      },
    ],
    banner: {
      js: [
        "#!/usr/bin/env node",
        'import { createRequire as requireFrom } from "node:module";',
        "const require = requireFrom(import.meta.url);",
      ].join("\n"),
    },
  });

const buildStandalone = () =>
  build({
    ...shared,
    format: "esm",
    outfile: `${out}/attention-kernels.min.js`,
    platform: "neutral",
    mainFields: ["module", "main"],
    entryPoints: ["src/standalone.ts"],
    external,
    alias,
    minify: true,
    plugins: [programs, usedOperations],
  });

/** Declarations of what the entry points export, and of nothing else: rollup drops what only modules share. */
async function declare() {
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, join(root, `src/${name}.ts`)])),
    plugins: [dts({ tsconfig: join(root, "tsconfig.json"), compilerOptions: { stripInternal: true } })],
  });
  const preserved = {
    preserveModules: true,
    preserveModulesRoot: join(root, "src"),
    entryFileNames: "[name].d.ts",
    // for [Symbol.dispose], whatever libraries a program names
    banner: ({ isEntry }) => (isEntry ? '/// <reference lib="esnext.disposable" />' : ""),
  };
  for (const dir of [out, `${out}/cjs`]) await bundle.write({ dir: join(root, dir), ...preserved });
}

/** The folders of the packages whose code the built files contain. */
function packagesIn(results) {
  const inputs = results.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.keys(inputs).filter((name) => inputs[name].bytesInOutput > 0),
    ),
  );
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders].sort();
}

const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));

/** The text of a package's licence. */
function licence(folder) {
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  return file === undefined
    ? `Licence: ${manifestOf(folder).license}`
    : readFileSync(join(root, folder, file), "utf8").trim();
}

/** Each licence text once, below the names of the packages that have it. */
function licences(folders) {
  const holders = new Map();
  for (const folder of folders) {
    const { name, version } = manifestOf(folder);
    const text = licence(folder);
    holders.set(text, [...(holders.get(text) ?? []), `${name} ${version}`]);
  }
  return [...holders].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}

rmSync(join(root, out), { recursive: true, force: true });
const [results] = await Promise.all([
  Promise.all([buildModules("esm", out), buildModules("cjs", `${out}/cjs`), buildCommandLine(), buildStandalone()]),
  declare(),
]);
const write = (name, text) => writeFileSync(join(root, out, name), text);
write("cjs/package.json", '{ "type": "commonjs" }\n');
write("THIRD-PARTY-LICENSES.txt", licences(packagesIn(results)));
const vendored = packagesIn(results.slice(0, 1)).map(manifestOf);
write("vendor/versions.json", JSON.stringify(Object.fromEntries(vendored.map(({ name, version }) => [name, version]))));
