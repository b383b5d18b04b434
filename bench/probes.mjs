// The adapter's roofline: how fast it copies memory, and how fast it multiplies and adds in registers.
import { create, globals } from "webgpu";
import { time } from "./measure.mjs";

const COPIED = 32 << 20; // bytes: more than any cache of the machines that this ran on, less than any adapter's limit
const CHAINS = 3; // of vec4s in each invocation: no multiply-add waits for the one before, and all fit in a CPU's registers
const TURNS = 512;
const INVOCATIONS = 1 << 16;

const copyShader = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = x[id.x];
}`;
const multiplyAddShader = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = x[id.x];
  ${Array.from({ length: CHAINS }, (_, c) => `var s${c} = factor + ${c}.0;`).join(" ")}
  for (var turn = 0u; turn < ${TURNS}u; turn++) {
    ${Array.from({ length: CHAINS }, (_, c) => `s${c} = s${c} * factor + factor;`).join(" ")}
  }
  y[id.x] = ${Array.from({ length: CHAINS }, (_, c) => `s${c}`).join(" + ")};
}`;

/** GB/s of a copy (bytes read and written), and GFLOP/s of multiply-adds (two each), as medians of `runs`. */
export async function roofline({ runs }) {
  const { GPUBufferUsage: usage } = globals;
  const gpu = create([]); // referenced to the end: Dawn's objects die with it
  const adapter = await gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const buffers = [0, 1].map(() => device.createBuffer({ size: COPIED, usage: usage.STORAGE }));
  const measure = async (code, invocations) => {
    const pipeline = device.createComputePipeline({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const work = () => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(invocations / 64);
      pass.end();
      device.queue.submit([encoder.finish()]);
    };
    const { median } = await time(work, () => device.queue.onSubmittedWorkDone(), { runs });
    return median;
  };
  const copy = await measure(copyShader, COPIED / 16);
  const multiplyAdd = await measure(multiplyAddShader, INVOCATIONS);
  device.destroy();
  return { copyGBs: (2 * COPIED) / copy / 1e6, multiplyAddGFLOPs: (2 * 4 * CHAINS * TURNS * INVOCATIONS) / multiplyAdd / 1e6, keep: gpu };
}
