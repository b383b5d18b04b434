// npm run bench:peers: the same work in this library and in others, in alternating runs, with times and errors.
import { execFileSync, fork } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { attention, causal, ops, random, reference, requestGpu, softmax, valueAndGrad } from "../dist/index.js";
import { BATCH, encoderOptions, encoderProblem, encoderStep } from "./encoder.mjs";
import { versions } from "./measure.mjs";
import { median, relativeError } from "./timing.mjs";

const list = (text) => text.split(",");
const options = new Command("npm run bench:peers --")
  .description("Softmax attention and the training step of an encoder, against jax-js, tfjs and onnxruntime.")
  .option(
    "--n <tokens>",
    "numbers of queries and keys, separated by commas",
    (text) => list(text).map(Number),
    [512, 2048],
  )
  .option("--heads <count>", "heads", Number, 8)
  .option("--dim <width>", "width of a head", Number, 64)
  .option("--runs <count>", "alternating runs", Number, 7)
  .option("--only <libraries>", "names of libraries, separated by commas; default all", list)
  .option("--no-encoder", "attention alone")
  .option("--out <file>", "where the report goes", "out/bench-peers.json")
  .parse()
  .opts();

/** Library and device; this library comes first. */
const peers = [
  ["attention-kernels", "webgpu"],
  ["jax-js", "webgpu"],
  ["tfjs", "webgpu"],
  ["onnxruntime", "webgpu"],
  ["onnxruntime", "webgpu fused"],
  ["onnxruntime", "cpu"],
  ["attention-kernels", "cpu"],
  ["jax-js", "wasm"],
  ["tfjs", "wasm"],
  ["tfjs", "cpu"],
].filter(([library]) => library === "attention-kernels" || (options.only?.includes(library) ?? true));
/** Above this number of tokens only WebGPU is compared; other devices would take minutes. */
const LONG = 1024;
/** An error above this is no rounding of float32. */
const WRONG = 1e-4;

const here = dirname(fileURLToPath(import.meta.url));
const installed = join(here, "..", "node_modules", ".cache", "attention-kernels", "peers");
mkdirSync(installed, { recursive: true });
copyFileSync(join(here, "peers", "package.json"), join(installed, "package.json"));
execFileSync(
  "npm",
  ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", installed],
  { stdio: "inherit" },
);

function attentionProblem(n) {
  const { heads, dim } = options;
  const generator = random(1);
  const [q, k, v] = ["q", "k", "v"].map(() => Float32Array.from(generator.normals(heads * n * dim)));
  return { q, k, v, shape: [1, heads, n, dim] };
}

/** Float64 results of every task, for the first head alone, because long sequences take a while. */
async function exactAttention({ q, k, v, shape: [, , n, dim] }) {
  const tensor = (data) => reference.tensor(data.subarray(0, n * dim), [1, 1, n, dim]);
  const inputs = { q: tensor(q), k: tensor(k), v: tensor(v) };
  const { gradients } = valueAndGrad((p) => ops.sum(ops.multiply(attention(softmax(), p), p.v)), inputs);
  const results = {
    forward: [attention(softmax(), inputs)],
    causal: [attention(softmax(), inputs, { mask: causal() })],
    forwardBackward: [gradients.q, gradients.k, gradients.v],
  };
  return Object.fromEntries(
    await Promise.all(
      Object.entries(results).map(async ([task, tensors]) => [
        task,
        await Promise.all(tensors.map((tensor) => tensor.read())),
      ]),
    ),
  );
}

const children = peers.map(([library, device]) =>
  fork(join(here, "peers", "child.mjs"), [library, device, installed], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  }),
);
function ask(child, message) {
  if (child.exitCode !== null || child.signalCode !== null) return { failed: "its process ended" };
  return new Promise((resolve) => {
    const died = () => resolve({ failed: "its process ended" });
    child.once("exit", died);
    child.once("message", (answer) => {
      child.off("exit", died);
      resolve(answer);
    });
    child.send(message);
  });
}

/**
 * Asks all children for the same tasks in turn; `errorOf(task, first, second)` compares the results of the first two
 * calls.
 */
async function compare(kind, problem, tasks, errorOf, suits = () => true) {
  const results = [];
  for (const [index, [library, device]] of peers.entries()) {
    if (!suits(device)) continue;
    const answer = await ask(children[index], { kind, problem });
    for (const task of tasks) {
      if (answer.failed !== undefined)
        results.push({ index, library, device, task, failed: answer.failed, samples: [] });
      else if (answer.tasks.includes(task)) {
        const first = await ask(children[index], { task, check: true });
        const second = first.failed === undefined ? await ask(children[index], { task, check: true }) : first;
        const failed = second.failed;
        results.push({
          index,
          library,
          device,
          task,
          failed,
          error: failed === undefined ? errorOf(task, first.numbers, second.numbers) : undefined,
          samples: [],
        });
      }
    }
  }
  for (let run = 0; run < options.runs; run++) {
    for (const task of tasks) {
      for (const entry of results.filter((result) => result.task === task && result.failed === undefined)) {
        const { ms, failed } = await ask(children[entry.index], { task });
        if (failed === undefined) entry.samples.push(ms);
        else entry.failed = failed;
      }
    }
  }
  const own = (task) => results.find((result) => result.index === 0 && result.task === task);
  const rows = results.map(({ library, device, task, failed, error, samples }) => {
    const base = own(task);
    const ratio =
      failed === undefined && base !== undefined && base.failed === undefined
        ? median(samples.map((ms, run) => ms / base.samples[run]))
        : undefined;
    return {
      library,
      device,
      task,
      ms: failed === undefined ? median(samples) : undefined,
      ratio,
      error,
      failed,
      samples,
    };
  });
  console.table(
    rows.map(({ library, device, task, ms, ratio, error, failed }) =>
      failed === undefined
        ? {
            library,
            device,
            task,
            ms: ms.toFixed(1),
            "times ours": ratio?.toFixed(2),
            error: `${error <= WRONG ? "" : "WRONG "}${error.toExponential(1)}`,
          }
        : { library, device, task, ms: `failed: ${failed}` },
    ),
  );
  return rows;
}

const { n: lengths, heads, dim, runs } = options;
const gpu = await requestGpu();
const { name: adapter, kind } = gpu.device;
gpu.dispose();
const attentions = [];
console.log(
  `${adapter} (${kind}); ms are medians of ${runs} alternating runs, readback included; ratios are medians run by run`,
);
for (const n of lengths) {
  const problem = attentionProblem(n);
  const exact = await exactAttention(problem);
  const long = n > LONG;
  console.log(
    `softmax attention, batch 1, ${heads} heads, n = m = ${n}, d = ${dim}, float32; error against float64, first head`,
  );
  const errorOf = (task, numbers) =>
    Math.max(...exact[task].map((values, index) => relativeError(numbers[index], values)));
  const rows = await compare(
    "attention",
    problem,
    ["forward", "causal", "forwardBackward"],
    errorOf,
    (device) => !long || device.startsWith("webgpu"),
  );
  attentions.push({ n, rows });
}
let step;
if (options.encoder) {
  const problem = await encoderProblem();
  const exactStep = encoderStep(reference, problem);
  const exact = [await exactStep().read(), await exactStep().read()];
  const { width, layers, tokens } = encoderOptions;
  console.log(
    `training step of an encoder: batch ${BATCH}, n = ${tokens}, width ${width}, ${layers} layers, Adam; ` +
      "error of the loss before and after the first step",
  );
  step = await compare(
    "encoder",
    problem,
    ["step"],
    (_, ...losses) => Math.max(...losses.map(([[loss]], index) => Math.abs(loss / exact[index][0] - 1))),
    (device) => device === "webgpu",
  );
}
for (const child of children) child.kill();
mkdirSync(dirname(options.out), { recursive: true });
const machine = { adapter, kind, processor: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`, ...versions() };
writeFileSync(
  options.out,
  `${JSON.stringify({ ...machine, heads, dim, runs, attention: attentions, encoder: step }, null, 2)}\n`,
);
console.log(`The report is in ${options.out}.`);
