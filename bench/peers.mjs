// npm run bench:peers: the same softmax attention here and in other WebGPU libraries, in alternating runs, errors beside times.
import { execFileSync, fork } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { attention, causal, cpu, ops, random, softmax, valueAndGrad } from "../dist/index.js";
import { quantile, relativeError } from "./measure.mjs";

const options = new Command("npm run bench:peers --")
  .description("Softmax attention against @jax-js/jax and @tensorflow/tfjs on the same adapter.")
  .option("--n <tokens>", "queries and keys", Number, 512)
  .option("--heads <count>", "heads", Number, 8)
  .option("--dim <width>", "width of a head", Number, 64)
  .option("--runs <count>", "alternating runs", Number, 7)
  .option("--out <file>", "where the report goes", "out/bench-peers.json")
  .parse()
  .opts();

const here = dirname(fileURLToPath(import.meta.url));
const installed = join(here, "..", "node_modules", ".cache", "attention-kernels", "peers");
mkdirSync(installed, { recursive: true });
copyFileSync(join(here, "peers", "package.json"), join(installed, "package.json"));
execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", installed], { stdio: "inherit" });

const libraries = ["attention-kernels", "jax-js", "tfjs"];
const tasks = ["forward", "causal", "forwardBackward"];
const { n, heads, dim, runs } = options;
const shape = [1, heads, n, dim];
const generator = random(1);
const [q, k, v] = ["q", "k", "v"].map(() => Float32Array.from(generator.normals(heads * n * dim)));

/** The numbers of every task in float64. */
async function exactly() {
  const inputs = { q: cpu.tensor(q, shape), k: cpu.tensor(k, shape), v: cpu.tensor(v, shape) };
  const { gradients } = valueAndGrad((p) => ops.sum(ops.multiply(attention(softmax(), p), p.v)), inputs);
  const results = { forward: [attention(softmax(), inputs)], causal: [attention(softmax(), inputs, { mask: causal() })], forwardBackward: [gradients.q, gradients.k, gradients.v] };
  return Object.fromEntries(await Promise.all(Object.entries(results).map(async ([task, tensors]) => [task, await Promise.all(tensors.map((tensor) => tensor.read()))])));
}

const children = new Map();
function ask(library, message) {
  const child = children.get(library);
  return new Promise((resolve) => {
    const died = () => resolve({ failed: "the process ended" });
    child.once("exit", died);
    child.once("message", (answer) => {
      child.off("exit", died);
      resolve(answer);
    });
    child.send(message);
  });
}

const exact = await exactly();
const results = {};
for (const library of libraries) {
  children.set(library, fork(join(here, "peers", "child.mjs"), [library, installed], { serialization: "advanced", stdio: ["ignore", "ignore", "ignore", "ipc"] }));
  results[library] = { failed: (await ask(library, { inputs: { q, k, v, shape } })).failed };
  for (const task of tasks) {
    if (results[library].failed !== undefined) break;
    const { numbers, failed } = await ask(library, { task, check: true });
    results[library][task] = { failed, samples: [], error: numbers && Math.max(...exact[task].map((values, index) => relativeError(numbers[index], values))) };
  }
}
for (let run = 0; run < runs; run++) {
  for (const task of tasks) {
    for (const library of libraries) {
      const entry = results[library][task];
      if (entry === undefined || entry.failed !== undefined) continue;
      const { ms, failed } = await ask(library, { task });
      if (failed === undefined) entry.samples.push(ms);
      else entry.failed = failed;
    }
  }
}
for (const child of children.values()) child.kill();

const median = (samples) => quantile([...samples].sort((a, b) => a - b), 0.5);
const own = results["attention-kernels"];
console.log(`softmax attention, batch 1, ${heads} heads, n = m = ${n}, d = ${dim}, float32, readback included; medians of ${runs} alternating runs`);
console.table(
  libraries.flatMap((library) =>
    tasks.map((task) => {
      const { samples = [], error, failed = results[library].failed } = results[library][task] ?? {};
      if (failed !== undefined || samples.length === 0) return { library, task, ms: `failed: ${failed}` };
      const ratios = samples.map((ms, run) => ms / own[task].samples[run]);
      return { library, task, ms: median(samples).toFixed(1), "times ours": median(ratios).toFixed(2), error: error > 1e-4 ? `WRONG ${error.toExponential(1)}` : error.toExponential(1) };
    }),
  ),
);
mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify({ n, heads, dim, runs, node: process.version, results }, null, 2)}\n`);
console.log(`The report is in ${options.out}.`);
