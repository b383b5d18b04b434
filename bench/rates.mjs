// The rates of a device: of memory copies, and of multiply-adds in registers.
import { time } from "./timing.mjs";

const STORAGE = 0x80; // GPUBufferUsage, which Node has no global of
// bytes, read and written: more than a cache holds, and few enough for one dimension of workgroups
const COPIED = 60 << 20;
// of vec4s per invocation: multiply-adds need not wait for each other, and all fit in a CPU's registers
const CHAINS = 3;
const TURNS = 512;
const INVOCATIONS = 1 << 18; // enough to fill a large GPU
const SUBMIT_MS = 20; // of work per submission, so that its overhead is negligible

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
export async function ratesOf(device, { runs }) {
  const buffers = [0, 1].map(() => device.createBuffer({ size: COPIED, usage: STORAGE }));
  const measure = async (code, invocations) => {
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }) },
    });
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const dispatches = (count) => () => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let dispatch = 0; dispatch < count; dispatch++) pass.dispatchWorkgroups(invocations / 64);
      pass.end();
      device.queue.submit([encoder.finish()]);
    };
    const wait = () => device.queue.onSubmittedWorkDone();
    const one = await time(dispatches(1), wait, { runs: 1, batchMs: 0 });
    const count = Math.max(1, Math.ceil(SUBMIT_MS / one.median));
    const { median } = await time(dispatches(count), wait, { runs, batchMs: 0 });
    return median / count;
  };
  const copy = await measure(copyShader, COPIED / 16);
  const multiplyAdd = await measure(multiplyAddShader, INVOCATIONS);
  for (const buffer of buffers) buffer.destroy();
  return {
    copyGBs: (2 * COPIED) / copy / 1e6,
    multiplyAddGFLOPs: (2 * 4 * CHAINS * TURNS * INVOCATIONS) / multiplyAdd / 1e6,
  };
}
