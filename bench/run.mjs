// npm run bench: every kernel of the registry on this machine's adapter, as a table and a JSON report.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { attention, causal, cpu, kernels, ops, random, requestGpu, valueAndGrad } from "../dist/index.js";
import { versions } from "./measure.mjs";
import { median, relativeError, summary, time, warmUpCalls } from "./timing.mjs";
import { roofline } from "./probes.mjs";

const options = new Command("npm run bench --")
  .description("Times attention, forward and forward + backward, with every kernel in turn.")
  .option("--kernels <names>", "kernel names, separated by commas; default all")
  .option("--n <tokens>", "queries and keys", Number, 512)
  .option("--heads <count>", "heads", Number, 8)
  .option("--dim <width>", "width of a head", Number, 64)
  .option("--runs <count>", "rounds over all kernels", Number, 7)
  .option("--dtype <dtype>", "f32, or f16 for storage in float16", "f32")
  .option("--subgroup-matrices", "let attention over f16 use matrix units")
  .option("--no-cpu", "leave out the float64 backend")
  .option("--out <file>", "where the report goes", "out/bench.json")
  .option("--compare <file>", "an older report: prints ratios, new over old")
  .parse()
  .opts();

const { n, heads, dim, runs, dtype } = options;
/** Largest accepted error, many times the rounding of the dtype. */
const WRONG = dtype === "f16" ? 2e-2 : 1e-4;

function inputsFor(backend, kernel, { n, heads, dim }) {
  const generator = random(1);
  const tensor = (shape, scale = 1) =>
    backend.tensor(
      Float32Array.from(
        generator.normals(
          shape.reduce((a, b) => a * b, 1),
          scale,
        ),
      ),
      shape,
    );
  const rows = () => ops.cast(tensor([1, heads, n, dim]), dtype);
  const qkv = { q: rows(), k: rows(), v: rows() };
  const sizes = { batch: 1, heads, queries: n, keys: n, dim };
  const own = (kernel.inputs ?? []).map(({ name, shape }) => [name, tensor(shape(sizes), 1 / Math.sqrt(dim))]);
  return { ...qkv, ...Object.fromEntries(own) };
}

const scalar = (kernel) => (parameters) =>
  ops.sum(ops.multiply(ops.cast(attention(kernel, parameters), "f32"), ops.cast(parameters.v, "f32")));

/** The work to time, by name. */
function tasksOf(kernel, inputs) {
  const { q, k, v } = inputs;
  return {
    forward: () => attention(kernel, inputs),
    ...("formula" in kernel ? { causal: () => attention(kernel, inputs, { mask: causal() }) } : {}),
    forwardBackward: () => valueAndGrad((moving) => scalar(kernel)({ ...inputs, ...moving }), { q, k, v }),
  };
}

/** Most tokens of the comparison with float64; from 128 on, the passes are those of long sequences. */
const CHECKED = 256;

/** Largest error against float64 of outputs, causal outputs and gradients, for one head. */
async function check(gpu, kernel) {
  const [exact, actual] = await Promise.all(
    [cpu, gpu].map(async (backend) => {
      const inputs = inputsFor(backend, kernel, { n: Math.min(n, CHECKED), heads: 1, dim });
      const { gradients } = valueAndGrad(scalar(kernel), inputs);
      const masked = "formula" in kernel ? [attention(kernel, inputs, { mask: causal() })] : [];
      return Promise.all(
        [attention(kernel, inputs), ...masked, gradients.q, gradients.k, gradients.v].map((tensor) => tensor.read()),
      );
    }),
  );
  return Math.max(
    ...exact.map((values, index) => (values.some((x) => x !== 0) ? relativeError(actual[index], values) : 0)),
  );
}

/** The same work in PyTorch, if python3 has it with CUDA; otherwise the reason in `missing`. */
function torch() {
  const script = join(dirname(fileURLToPath(import.meta.url)), "torch.py");
  if (!existsSync(script)) return { missing: "the script is not here" };
  const { status, stdout, stderr, error } = spawnSync(
    "python3",
    [script, ...["n", "heads", "dim", "runs"].flatMap((name) => [`--${name}`, String(options[name])])],
    { encoding: "utf8" },
  );
  return status === 0
    ? JSON.parse(stdout.trim().split("\n").at(-1))
    : { missing: error?.message ?? stderr.trim().split("\n").at(-1) };
}

const suits = (name) => dtype === "f32" || "formula" in kernels[name]();
const names = options.kernels?.split(",") ?? Object.keys(kernels).filter(suits);
const stranger = names.find((name) => !(name in kernels));
if (stranger !== undefined)
  throw new Error(`bench: --kernels: wanted names among ${Object.keys(kernels).join(", ")}, got ${stranger}`);

const { keep, ...limits } = await roofline({ runs });
const gpu = await requestGpu({
  dawn: ["disable-dawn-features=timestamp_quantization"],
  subgroupMatrices: options.subgroupMatrices,
});
const entries = [];
for (const name of names) {
  const kernel = kernels[name]();
  const error = await check(gpu, kernel);
  if (!(error < WRONG))
    throw new Error(`bench: ${name}: its result differs from float64 by ${error}; a timing would mean nothing`);
  const tasks = Object.entries(tasksOf(kernel, inputsFor(gpu, kernel, options))).map(([task, work]) => ({
    task,
    samples: [],
    work: () => gpu.scope(() => void work()),
  }));
  for (let call = 0; call < warmUpCalls({ heads, n }); call++) {
    for (const { work } of call === 0 ? tasks : tasks.slice(-1)) work(); // compiles; the last is forward and backward
    await gpu.finish();
  }
  entries.push({ name, kernel, error, tasks });
}

/** Milliseconds by the device's timestamps; without them, of a batch of calls between two waits. */
async function measured(work) {
  if (!gpu.hasTimestamps) return (await time(work, () => gpu.finish(), { runs: 1 })).median;
  const { passes } = await gpu.profile(work);
  return passes.reduce((sum, { ms }) => sum + ms, 0);
}
for (let run = 0; run < runs; run++) {
  for (const { tasks } of entries) {
    for (const { work, samples } of tasks) samples.push(await measured(work));
  }
}

/** Times of one call on the float64 backend, which takes seconds. */
async function onCpu(kernel) {
  const tasks = tasksOf(kernel, inputsFor(cpu, kernel, options));
  const times = {};
  for (const task of ["forward", "forwardBackward"])
    times[task] = (
      await time(
        () => cpu.scope(() => void tasks[task]()),
        async () => undefined,
        { runs: 1, batchMs: 0, warm: false },
      )
    ).median;
  return times;
}

// Work of kernels that compute every pair; a multiply-add counts twice. Forward has two products of n × n × d and
// touches q, k, v and the output. Backward has five, and also touches the output's cotangent and three gradients.
const product = 2 * heads * n * n * dim;
const array = (dtype === "f16" ? 2 : 4) * heads * n * dim;
const work = {
  forward: { flop: 2 * product, bytes: 4 * array },
  forwardBackward: { flop: 7 * product, bytes: 12 * array },
};
const bound = ({ flop, bytes }) => Math.max(flop / limits.multiplyAddGFLOPs, bytes / limits.copyGBs) / 1e6;
const softmaxTasks = entries.find(({ name }) => name === "softmax")?.tasks;
const rows = [];
for (const { name, kernel, error, tasks } of entries) {
  const row = { kernel: name, error };
  for (const { task, samples } of tasks) {
    const base = softmaxTasks?.find((other) => other.task === task)?.samples;
    row[task] = { ...summary(samples), samples, ofSoftmax: base && median(samples.map((ms, run) => ms / base[run])) };
    if (task in work && "formula" in kernel)
      Object.assign(row[task], {
        GFLOPs: work[task].flop / row[task].median / 1e6,
        bytes: work[task].bytes,
        ofRoofline: gpu.subgroupMatrices ? undefined : bound(work[task]) / row[task].median,
      });
  }
  if (options.cpu) row.cpu = await onCpu(kernel);
  rows.push(row);
}
const pytorch = torch();
// PyTorch's times include gaps between passes, so compare them with times between two waits.
if (pytorch.rows) {
  for (const [index, { tasks }] of entries.entries()) {
    rows[index].batches = {};
    for (const { task, work } of tasks)
      rows[index].batches[task] = (await time(work, () => gpu.finish(), { runs })).median;
  }
}

const report = {
  device: gpu.device,
  timestamps: gpu.hasTimestamps,
  processor: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  ...versions(),
  n,
  heads,
  dim,
  dtype,
  subgroupMatrices: gpu.subgroupMatrices,
  runs,
  limits,
  rows,
  pytorch,
};
mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);

const older = options.compare && JSON.parse(readFileSync(options.compare, "utf8"));
for (const setting of ["n", "heads", "dim", "dtype", "subgroupMatrices", "timestamps"]) {
  if (older && older[setting] !== report[setting])
    throw new Error(`bench: --compare: wanted a report with ${setting} ${report[setting]}, got ${older[setting]}`);
}
const cell = ({ median: middle, p10, p90 } = {}) =>
  middle === undefined ? "" : `${middle.toPrecision(3)} (${p10.toPrecision(3)}-${p90.toPrecision(3)})`;
const share = (part) => `${(100 * part).toFixed(0)} %`;
console.log(
  `${gpu.device.name} (${gpu.device.kind}), n = m = ${n}, ${heads} heads, d = ${dim}, ` +
    `${dtype}${gpu.subgroupMatrices ? " on matrix units" : ""}; ms by ` +
    `${gpu.hasTimestamps ? "device timestamps" : "batches between two waits"}, median (p10-p90) of ${runs} rounds`,
);
console.log(
  `roofline: copy ${limits.copyGBs.toFixed(1)} GB/s, multiply-add ${limits.multiplyAddGFLOPs.toFixed(1)} GFLOP/s`,
);
console.table([
  ...rows.map((row) => {
    const before = older?.rows.find(({ kernel }) => kernel === row.kernel);
    return {
      kernel: row.kernel,
      error: row.error.toExponential(1),
      forward: cell(row.forward),
      causal: cell(row.causal),
      "forward + backward": cell(row.forwardBackward),
      "GFLOP/s": row.forwardBackward.GFLOPs?.toFixed(1),
      "of roofline": row.forwardBackward.ofRoofline && share(row.forwardBackward.ofRoofline),
      ...(softmaxTasks ? { "of softmax": row.forwardBackward.ofSoftmax.toFixed(2) } : {}),
      ...(row.cpu ? { "cpu, float64": `${row.cpu.forward.toFixed(0)}, ${row.cpu.forwardBackward.toFixed(0)}` } : {}),
      ...(before ? { "of before": (row.forwardBackward.median / before.forwardBackward.median).toFixed(2) } : {}),
    };
  }),
  ...rows
    .filter(({ batches }) => batches)
    .map(({ kernel, batches: { forward, causal, forwardBackward } }) => ({
      kernel: `${kernel}, batches`,
      forward: forward.toPrecision(3),
      causal: causal?.toPrecision(3),
      "forward + backward": forwardBackward.toPrecision(3),
    })),
  ...(pytorch.rows ?? []).map(({ kernel, formulation, dtype, failed, ...times }) => ({
    kernel: `${kernel}, PyTorch ${dtype}, ${formulation}`,
    forward: failed ?? times.forward.toFixed(3),
    causal: times.causal?.toFixed(3),
    "forward + backward": times.forwardBackward?.toFixed(3),
  })),
]);
if (pytorch.missing) console.log(`PyTorch: ${pytorch.missing}`);
console.log(`The report is in ${options.out}.`);
gpu.dispose();
void keep;
