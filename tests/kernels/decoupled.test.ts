import { expect, it, vi } from "vitest";
import {
  attention,
  cpu,
  decoupled,
  lengths,
  ops,
  random,
  valueAndGrad,
  type AttentionInputs,
  type Backend,
  type Mask,
  type Tensor,
} from "../../src/index.js";
import { Queue } from "../../src/gpu/queue.js";
import { describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

interface Sizes {
  readonly n: number;
  readonly m: number;
  readonly d: number;
}

function inputsOn(backend: Backend, { n, m, d }: Sizes): AttentionInputs {
  const stream = random(3);
  const draw = (shape: readonly number[]): Tensor =>
    backend.tensor(stream.normals(shape.reduce((a, b) => a * b)), shape);
  return {
    q: draw([1, 1, n, d]),
    k: draw([1, 1, m, d]),
    v: draw([1, 1, m, 2]),
    queryPositions: draw([1, n, d]),
    keyPositions: draw([1, m, d]),
    scale: backend.tensor([0.4], [1]),
  };
}

/** The output and the gradients of all inputs, under fixed cotangents. */
async function outputAndGradients(
  run: (inputs: AttentionInputs) => Tensor,
  inputs: AttentionInputs,
): Promise<ArrayLike<number>[]> {
  const output = run(inputs);
  const cotangent = output.backend.tensor(random(5).normals(output.size), output.shape);
  const { gradients } = valueAndGrad(
    (p: Record<string, Tensor>) => ops.sum(ops.multiply(run(p as unknown as AttentionInputs), cotangent)),
    { ...inputs },
  );
  return Promise.all([output, ...Object.values(gradients)].map((tensor) => tensor.read()));
}

function expectClose(
  actual: readonly ArrayLike<number>[],
  wanted: readonly ArrayLike<number>[],
  tolerance: number,
): void {
  wanted.forEach((values, index) => {
    const scale = Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
    const worst = Array.from(values).reduce(
      (most, value, at) => Math.max(most, Math.abs(actual[index][at] - value)),
      0,
    );
    expect(worst / scale).toBeLessThan(tolerance);
  });
}

/** More than 8d keys and 2^20 pairs: beyond what a bias of every pair may take. */
const long: Sizes = { n: 1030, m: 1025, d: 1 };

it("positions within the passes, for long sequences, as by unfused operations", async () => {
  const inputs = inputsOn(cpu, long);
  const fused = await outputAndGradients((own) => attention(decoupled(), own), inputs);
  expectClose(fused, await outputAndGradients((own) => unfusedAttention("decoupled", own), inputs), 1e-11);
});

describeGpu("decoupled attention on the GPU", (gpu) => {
  it("for long sequences, as on the CPU", async () => {
    const on = (backend: Backend) => outputAndGradients((own) => attention(decoupled(), own), inputsOn(backend, long));
    expectClose(await on(gpu()), await on(cpu), 2 ** -14);
  });

  it("with lengths has no more storage buffers in a pass than every device", async () => {
    const dispatch: (this: Queue, pass: Parameters<Queue["dispatch"]>[0]) => void = Reflect.get(
      Queue.prototype,
      "dispatch",
    );
    let most = 0;
    vi.spyOn(Queue.prototype, "dispatch").mockImplementation(function (this: Queue, pass) {
      most = Math.max(most, Object.keys({ ...pass.reads, ...pass.writes }).length);
      dispatch.call(this, pass);
    });
    const mask: Mask = lengths({ keys: [5] });
    const run = (own: AttentionInputs): Tensor => attention(decoupled(), own, { mask });
    const sizes = { n: 7, m: 9, d: 4 };
    const actual = await outputAndGradients(run, inputsOn(gpu(), sizes));
    vi.restoreAllMocks();
    expect(most).toBe(8); // maxStorageBuffersPerShaderStage of WebGPU
    expectClose(actual, await outputAndGradients(run, inputsOn(cpu, sizes)), 2 ** -16);
  });
});
