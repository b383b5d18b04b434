// npm run bench: every kernel of the registry on this machine's adapter, as a table and a JSON report.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { Command } from "commander";
import { attention, causal, cpu, kernels, ops, random, requestGpu, valueAndGrad } from "../dist/index.js";
import { commit, relativeError, time } from "./measure.mjs";

const options = new Command("npm run bench --")
  .description("Times attention, forward and forward + backward, with every kernel.")
  .option("--kernels <names>", "by name, with commas; default all")
  .option("--n <tokens>", "queries and keys", Number, 512)
  .option("--heads <count>", "heads", Number, 8)
  .option("--dim <width>", "width of a head", Number, 64)
  .option("--runs <count>", "batches to take the median of", Number, 7)
  .option("--out <file>", "where the report goes", "out/bench.json")
  .option("--compare <file>", "an older report: prints ratios, new over old")
  .parse()
  .opts();

/** Error above which a timing would be of something else than attention: many times what float32 gives. */
const WRONG = 1e-4;

function inputsFor(backend, kernel, { n, heads, dim }) {
  const generator = random(1);
  const tensor = (shape, scale = 1) => backend.tensor(Float32Array.from(generator.normals(shape.reduce((a, b) => a * b, 1), scale)), shape);
  const qkv = { q: tensor([1, heads, n, dim]), k: tensor([1, heads, n, dim]), v: tensor([1, heads, n, dim]) };
  const sizes = { batch: 1, heads, queries: n, keys: n, dim };
  const own = (kernel.inputs ?? []).map(({ name, shape }) => [name, tensor(shape(sizes), 1 / Math.sqrt(dim))]);
  return { ...qkv, ...Object.fromEntries(own) };
}

const scalar = (kernel) => (parameters) => ops.sum(ops.multiply(attention(kernel, parameters), parameters.v));

/** Errors of output and gradients against float64, on a size that takes the same passes as long sequences do. */
async function check(gpu, kernel, dim) {
  const sizes = { n: 256, heads: 1, dim };
  const results = await Promise.all(
    [cpu, gpu].map(async (backend) => {
      const inputs = inputsFor(backend, kernel, sizes);
      const { gradients } = valueAndGrad(scalar(kernel), inputs);
      return Promise.all([attention(kernel, inputs), gradients.q, gradients.k, gradients.v].map((tensor) => tensor.read()));
    }),
  );
  const [exact, actual] = results;
  return Math.max(...exact.map((values, index) => (values.some((x) => x !== 0) ? relativeError(actual[index], values) : 0)));
}

const gpu = await requestGpu();
const finish = () => gpu.finish();
const { n, heads, dim, runs } = options;
const names = options.kernels?.split(",") ?? Object.keys(kernels);
const stranger = names.find((name) => !(name in kernels));
if (stranger !== undefined) throw new Error(`bench: --kernels: wanted names among ${Object.keys(kernels).join(", ")}, got ${stranger}`);

// What the adapter can do: a copy of 16 MiB, and a product of matrices.
const wide = gpu.full(1, [4 << 20]);
const square = gpu.full(1, [768, 768]);
const copy = await time(() => gpu.scope(() => void ops.add(wide, 0)), finish, { runs });
const product = await time(() => gpu.scope(() => void ops.matmul(square, square)), finish, { runs });
const limits = { copyGBs: (2 * wide.size * 4) / copy.median / 1e6, matmulGFLOPs: (2 * 768 ** 3) / product.median / 1e6 };

const pairs = heads * n * n * dim;
const rows = [];
for (const name of names) {
  const kernel = kernels[name]();
  const error = await check(gpu, kernel, dim);
  if (!(error < WRONG)) throw new Error(`bench: ${name}: its result differs from float64 by ${error}; a timing would mean nothing`);
  const inputs = inputsFor(gpu, kernel, options);
  const run = (work) => time(() => gpu.scope(() => void work()), finish, { runs });
  const { q, k, v } = inputs;
  const forward = await run(() => attention(kernel, inputs));
  const masked = "formula" in kernel ? await run(() => attention(kernel, inputs, { mask: causal() })) : undefined;
  const both = await run(() => valueAndGrad((moving) => scalar(kernel)({ ...inputs, ...moving }), { q, k, v }));
  // Multiply-adds count twice; forward has two products of n × n × d, backward five.
  rows.push({ kernel: name, error, forward, causal: masked, forwardBackward: both, forwardGFLOPs: (4 * pairs) / forward.median / 1e6, bothGFLOPs: (14 * pairs) / both.median / 1e6 });
  for (const tensor of Object.values(inputs)) tensor.dispose();
}

const report = { device: gpu.device, node: process.version, processor: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`, commit: commit(), n, heads, dim, runs, limits, rows };
mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);

const older = options.compare && JSON.parse(readFileSync(options.compare, "utf8"));
const before = (name) => older?.rows.find((row) => row.kernel === name);
const cell = ({ median, p10, p90 } = {}) => (median === undefined ? "" : `${median.toFixed(1)} (${p10.toFixed(1)}-${p90.toFixed(1)})`);
const softmaxTime = rows.find((row) => row.kernel === "softmax")?.forwardBackward.median;
console.log(`${gpu.device.name} (${gpu.device.kind}), n = m = ${n}, ${heads} heads, d = ${dim}, float32; ms as median (p10-p90) of ${runs} batches`);
console.log(`copy ${limits.copyGBs.toFixed(1)} GB/s, matmul ${limits.matmulGFLOPs.toFixed(1)} GFLOP/s`);
console.table(
  rows.map((row) => ({
    kernel: row.kernel,
    "error": row.error.toExponential(1),
    "forward": cell(row.forward),
    "causal": cell(row.causal),
    "forward + backward": cell(row.forwardBackward),
    "GFLOP/s": row.bothGFLOPs.toFixed(1),
    "of matmul": `${((100 * row.bothGFLOPs) / limits.matmulGFLOPs).toFixed(0)} %`,
    ...(softmaxTime === undefined ? {} : { "of softmax": (row.forwardBackward.median / softmaxTime).toFixed(2) }),
    ...(before(row.kernel) ? { "of before": (row.forwardBackward.median / before(row.kernel).forwardBackward.median).toFixed(2) } : {}),
  })),
);
console.log(`The report is in ${options.out}.`);
gpu.dispose();
