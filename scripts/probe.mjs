// Prints the adapter that the runtime's own WebGPU, or else Dawn, finds in this environment, as one line of JSON;
// `null` means none. The adapter must first compute something, because a driver may enumerate an adapter and then fail.
/* global GPUBufferUsage, GPUMapMode */

/**
 * Opens Dawn. A global holds the instance, because Dawn frees a collected instance even while its device is at work.
 */
async function openDawn() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  return (globalThis.gpu = create([]));
}

const shader = `
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { values[i] = f32(i) * 2.0; }`;

/** Whether the adapter can double four numbers. */
async function computes(adapter) {
  const device = await adapter.requestDevice();
  const size = 16;
  const storage = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const readback = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: shader }) },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: storage } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, readback, 0, size);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  const result = [...new Float32Array(readback.getMappedRange())];
  device.destroy();
  return result.join() === "0,2,4,6";
}

const gpu = globalThis.navigator?.gpu ?? (await openDawn());
const adapter = await gpu.requestAdapter();
const usable = adapter !== null && (await computes(adapter));
if (!usable) console.log("null");
else {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  console.log(JSON.stringify({ vendor, architecture, device, description, isFallbackAdapter }));
}
process.exit(0);
