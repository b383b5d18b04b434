import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attention, cpu, ops, random, softmax, wrapDevice, type Gpu, type Tensor } from "../../src/index.js";
import { gradientDescent, trainStep } from "../../src/nn/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { BufferUsage } from "../../src/gpu/webgpu-constants.js";
import { available } from "../support/gpu.js";

const page = readFileSync(new URL("../../docs/memory.md", import.meta.url), "utf8");
const snippets = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);

/** Runs a snippet of the page and gives the value of an expression after it. */
const run = (code: string, names: Readonly<Record<string, unknown>>, result = "0"): Promise<unknown> =>
  (
    compileFunction(`return (async () => { ${code}; return ${result}; })()`, Object.keys(names)) as (
      ...values: unknown[]
    ) => Promise<unknown>
  )(...Object.values(names));

const [batch, heads, n, d] = [1, 2, 4, 3];
const numbers = random(1).normals(batch * heads * n * d);
/** Takes what a snippet prints. */
const printer = (): { readonly log: (line: unknown) => void; readonly lines: unknown[] } => {
  const lines: unknown[] = [];
  return { log: (line) => lines.push(line), lines };
};

describe.runIf(available)("docs/memory.md", () => {
  let device: GPUDevice;
  let gpu: Gpu;
  beforeAll(async () => {
    device = await openDevice({});
    gpu = wrapDevice(device);
  });
  afterAll(() => {
    gpu.dispose();
    device.destroy();
  });

  it("has three snippets", () => expect(snippets).toHaveLength(3));

  it("leaves nothing behind from inference in a loop", async () => {
    const parameters = { w: gpu.tensor(numbers.slice(0, 6), [3, 2]) };
    const inputs = [0, 12].map((start) => gpu.tensor(numbers.slice(start, start + 12), [4, 3]));
    const model = { apply: ({ w }: typeof parameters, x: Tensor) => ops.square(ops.matmul(x, w)) };
    const before = gpu.memory.used;
    const console = printer();
    await run(snippets[0], { gpu, inputs, model, parameters, console });
    expect(console.lines).toMatchObject([{ length: 8 }, { length: 8 }]);
    expect(gpu.memory.used).toBe(before);
  });

  it("takes a buffer and gives one", async () => {
    const buffer = device.createBuffer({ size: 4 * numbers.length, usage: BufferUsage.STORAGE | BufferUsage.COPY_DST });
    device.queue.writeBuffer(buffer, 0, Float32Array.from(numbers));
    const names = { attention, softmax, wrapDevice, device, buffer, batch, heads, n, d };
    const { size, output } = (await run(snippets[1], names, "{ size, output, offset, result }")) as {
      readonly size: number;
      readonly output: Tensor;
    };
    expect(size).toBe(4 * numbers.length);
    const q = cpu.tensor(numbers, [batch, heads, n, d]);
    const expected = await attention(softmax(), { q, k: q, v: q }).read();
    (await output.read()).forEach((value, at) => expect(value).toBeCloseTo(expected[at], 5));
  });

  it("compiles ahead", async () => {
    const parameters = { w: gpu.tensor([1, 2, 3]) };
    const console = printer();
    const loss = ({ w }: typeof parameters): Tensor => ops.sum(ops.power(w, 3));
    const optimizer = gradientDescent({ stepSize: 0.1 });
    await run(snippets[2], { gpu, trainStep, optimizer, parameters, loss, console });
    expect(console.lines.at(-1)).toMatch(/^(\d+) of \1$/);
    expect(Array.from(await parameters.w.read())).toEqual([1, 2, 3]);
  });
});
