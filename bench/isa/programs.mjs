// The programs of attention that hardware runs.
import { attention, kernels, ops, relativeBias, valueAndGrad } from "../../dist/index.js";
import { openDevice } from "../../dist/gpu/adapter.js";
import { capabilitiesOf } from "../../dist/gpu/capabilities.js";
import { Gpu } from "../../dist/gpu/gpu.js";
import { link } from "../../dist/gpu/link.js";
import { labelOf } from "../../dist/gpu/pass.js";
import { Queue } from "../../dist/gpu/queue.js";

const TOKENS = 1024;
/** Passes by rows; the others of attention take elements one by one. */
const PASS = /^passes\/((?:forward|backward)\w*)\.wgsl/;

/** The kernels by their hooks; some share the program of another. */
function distinctKernels() {
  const seen = new Map();
  for (const [name, factory] of Object.entries(kernels)) {
    const kernel = factory();
    if (!("formula" in kernel)) continue;
    const program = [kernel.normalizer, ...kernel.shaders.map(({ file }) => file)].join(" ");
    if (!seen.has(program)) seen.set(program, name);
  }
  return [...seen.values()];
}

/** Attention of a kernel and its gradients by everything, for as many queries as keys and for one. */
function attend(gpu, name, width, dtype) {
  const kernel = kernels[name]();
  const multiple = kernel.widthMultiple ?? 1;
  const d = Math.ceil(width / multiple) * multiple;
  for (const queries of [TOKENS, 1]) {
    const sizes = { batch: 1, heads: 2, queries, keys: TOKENS, dim: d };
    const rows = (tokens) => ops.cast(gpu.full(1, [1, 2, tokens, d]), dtype);
    const learned = [
      ...(kernel.inputs ?? []).map((input) => [input.name, input.shape(sizes)]),
      ...kernel.parameters.map((parameter) => [parameter.name, [2]]),
      ["bias", [2, queries + TOKENS - 1]],
    ].map(([key, shape]) => [key, gpu.full(1, shape)]);
    const inputs = { q: rows(queries), k: rows(TOKENS), v: rows(TOKENS), ...Object.fromEntries(learned) };
    valueAndGrad(
      ({ bias, ...rest }) => ops.sum(ops.cast(attention(kernel, rest, { bias: relativeBias(bias) }), "f32")),
      inputs,
    );
  }
}

/**
 * Every pass of every kernel in the form that hardware takes: { kernel, width, pass, code }. Dawn's null backend
 * validates them.
 */
export async function hardwarePrograms({ widths, dtype, workgroupBytes }) {
  const device = await openDevice({ dawn: ["backend=null"] });
  const limits = new Proxy(device.limits, {
    get: (all, name) => (name === "maxComputeWorkgroupStorageSize" ? workgroupBytes : all[name]),
  });
  Object.defineProperty(device, "limits", { value: limits });
  const gpu = new Gpu(device, true, capabilitiesOf(device, { kind: "hardware", name: "hardware" }));
  const { dispatch } = Queue.prototype;
  const programs = new Map();
  try {
    for (const width of widths) {
      for (const kernel of distinctKernels()) {
        Queue.prototype.dispatch = (pass) => {
          const [, file] = PASS.exec(labelOf(pass)) ?? [];
          if (file === undefined) return;
          const { code } = link(pass);
          if (!programs.has(code)) programs.set(code, { kernel, width, pass: file, code });
        };
        gpu.scope(() => attend(gpu, kernel, width, dtype));
      }
    }
  } finally {
    Queue.prototype.dispatch = dispatch;
    gpu.dispose();
  }
  return [...programs.values()];
}
