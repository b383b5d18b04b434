import { attention, cpu, kernels, ops, random, valueAndGrad } from "attention-kernels";
import type { AttentionInputs, AttentionKernel, Backend, Gpu, Tensor } from "attention-kernels";
import { relativeError, summary, time, warmUpCalls } from "../../bench/timing.mjs";
import type { Rates, Row, Time } from "./messages.js";
import type { Task } from "./settings.js";

/** Largest accepted error, many times the rounding of float32. */
const WRONG = 1e-4;
/** Most tokens of the comparison with float64, which takes n² on one core. */
const CHECKED = 128;

function inputsFor(backend: Backend, kernel: AttentionKernel, { n, heads, d }: Omit<Task, "kernels">): AttentionInputs {
  const source = random(1);
  const tensor = (shape: readonly number[], scale = 1): Tensor =>
    backend.tensor(
      Float32Array.from(
        source.normals(
          shape.reduce((a, b) => a * b, 1),
          scale,
        ),
      ),
      shape,
    );
  const qkv = { q: tensor([1, heads, n, d]), k: tensor([1, heads, n, d]), v: tensor([1, heads, n, d]) };
  const sizes = { batch: 1, heads, queries: n, keys: n, dim: d };
  const own = (kernel.inputs ?? []).map(({ name, shape }) => [name, tensor(shape(sizes), 1 / Math.sqrt(d))]);
  return { ...qkv, ...(Object.fromEntries(own) as Record<string, Tensor>) };
}

const loss = (kernel: AttentionKernel, inputs: AttentionInputs): Tensor =>
  ops.sum(ops.multiply(attention(kernel, inputs), inputs.v));

const gradients = (
  kernel: AttentionKernel,
  { q, k, v, ...own }: AttentionInputs,
): { q: Tensor; k: Tensor; v: Tensor } =>
  valueAndGrad((moving: { q: Tensor; k: Tensor; v: Tensor }) => loss(kernel, { ...own, ...moving }), { q, k, v })
    .gradients;

/** The largest relative error of outputs and gradients against float64, for one head. */
async function errorOf(gpu: Gpu, kernel: AttentionKernel, task: Task): Promise<number> {
  const [exact, actual] = await Promise.all(
    [cpu, gpu].map(async (backend) => {
      const inputs = inputsFor(backend, kernel, { ...task, n: Math.min(task.n, CHECKED), heads: 1 });
      const { q, k, v } = gradients(kernel, inputs);
      const numbers = await Promise.all([attention(kernel, inputs), q, k, v].map((tensor) => tensor.read()));
      return numbers.map((values) => Array.from(values));
    }),
  );
  const errors = exact.map((values, index) => (values.some((x) => x !== 0) ? relativeError(actual[index], values) : 0));
  return Math.max(...errors);
}

/**
 * Checks a kernel against float64, and times it if it is right.
 *
 * @param gpu the device
 * @param name the kernel's name
 * @param task sizes and rounds
 * @param rates what the device can do at best
 */
export async function measured(gpu: Gpu, name: string, task: Task, rates: Rates | null): Promise<Row> {
  const kernel = kernels[name]();
  const error = await errorOf(gpu, kernel, task);
  if (!(error < WRONG)) return { kernel: name, error, failed: "differs from float64: a time would mean nothing" };
  const inputs = inputsFor(gpu, kernel, task);
  const product = 2 * task.heads * task.n * task.n * task.d;
  const bytes = 4 * task.heads * task.n * task.d;
  const works = {
    forward: { work: () => void attention(kernel, inputs), flop: 2 * product, bytes: 4 * bytes },
    forwardBackward: { work: () => void gradients(kernel, inputs), flop: 7 * product, bytes: 12 * bytes },
  };
  const times: Record<string, Time> = {};
  for (const [part, { work, flop, bytes: touched }] of Object.entries(works)) {
    const inScope = (): void => gpu.scope(work);
    for (let call = 0; call < Math.min(8, warmUpCalls(task)); call++) inScope();
    await gpu.finish();
    const own = gpu.hasTimestamps
      ? await byTimestamps(gpu, inScope, task.runs)
      : await byWaits(gpu, inScope, task.runs);
    const bound = rates && Math.max(flop / rates.multiplyAddGFLOPs, touched / rates.copyGBs) / 1e6;
    times[part] = {
      ...own,
      ofRoofline: bound !== null && "formula" in kernel && own.median > 0 ? bound / own.median : null,
    };
  }
  return { kernel: name, error, forward: times.forward, forwardBackward: times.forwardBackward };
}

async function byTimestamps(gpu: Gpu, work: () => void, runs: number): Promise<Omit<Time, "ofRoofline">> {
  const samples: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { passes } = await gpu.profile(work);
    samples.push(passes.reduce((sum, { ms }) => sum + ms, 0));
  }
  // a browser may round timestamps to more than a pass takes
  return samples.some((ms) => ms === 0) ? byWaits(gpu, work, runs) : summary(samples);
}

const byWaits = (gpu: Gpu, work: () => void, runs: number): Promise<Omit<Time, "ofRoofline">> =>
  time(work, () => gpu.finish(), { runs });
