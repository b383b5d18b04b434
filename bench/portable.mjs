// npm run bench:portable: packs Node, Dawn and the bench into one archive for a Linux machine without npm or network.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { versions } from "./measure.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "out");
const folder = join(out, "attention-kernels-bench");
const archive = `${folder}.tar.gz`;
const LARGEST = 60 * 2 ** 20;

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "bench"), { recursive: true });
await build({
  entryPoints: [join(root, "bench", "run.mjs")],
  outfile: join(folder, "bench", "run.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["webgpu"],
  logLevel: "silent",
  // commander is CommonJS and requires Node's own modules.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
});
const dawn = join("node_modules", "webgpu");
const binaries = `${process.platform}-${process.arch}`;
for (const part of ["package.json", "index.js", "LICENSE.md", join("dist", binaries)]) {
  cpSync(join(root, dawn, part), join(folder, dawn, part), { recursive: true });
}
cpSync(join(root, "bench", "torch.py"), join(folder, "bench", "torch.py"));
const { version, commit } = versions();
writeFileSync(
  join(folder, "package.json"),
  `${JSON.stringify({ name: "attention-kernels-bench", version, commit, private: true })}\n`,
);
cpSync(process.execPath, join(folder, "node"), { dereference: true });
const script =
  "#!/bin/sh\n# Needs a Vulkan loader (libvulkan.so.1) and driver. Options: ./run.sh --help\ncd " +
  '"$(dirname "$0")" && exec ./node bench/run.mjs "$@"\n';
writeFileSync(join(folder, "run.sh"), script, { mode: 0o755 });
execFileSync("tar", ["-czf", archive, "-C", out, "attention-kernels-bench"]);
const { size } = statSync(archive);
if (size > LARGEST) throw new Error(`bench:portable: wanted an archive of at most ${LARGEST} bytes, got ${size}`);
console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB. Unpack it there, and run attention-kernels-bench/run.sh.`);
