import { crossEntropyBackwardPrimitive, crossEntropyPrimitive, embeddingPrimitive, scatterPrimitive } from "../autograd/lookup.js";
import { normalizeBackwardPrimitive, normalizePrimitive, softmaxBackwardPrimitive, softmaxPrimitive } from "../autograd/rows.js";
import { sizeOf } from "../core/shape.js";
import type { Shader } from "../kernels/kernel.js";
import logSumExp from "../../shaders/lib/log_sum_exp.wgsl";
import rows from "../../shaders/lib/rows.wgsl";
import crossEntropy from "../../shaders/ops/cross_entropy.wgsl";
import crossEntropyBackward from "../../shaders/ops/cross_entropy_backward.wgsl";
import embedding from "../../shaders/ops/embedding.wgsl";
import normalize from "../../shaders/ops/normalize.wgsl";
import normalizeBackward from "../../shaders/ops/normalize_backward.wgsl";
import scatter from "../../shaders/ops/scatter.wgsl";
import softmax from "../../shaders/ops/softmax.wgsl";
import softmaxBackward from "../../shaders/ops/softmax_backward.wgsl";
import { eachShader, quotientShader } from "./elementwise.js";
import { GROUP, groupsFor, implement, shader, type Device, type Operand } from "./job.js";
import type { Block } from "./memory.js";

const rowsShader = shader("lib/rows.wgsl", rows);
const logSumExpShader = shader("lib/log_sum_exp.wgsl", logSumExp);
const softmaxShaders = [rowsShader, shader("ops/softmax.wgsl", softmax)];
const softmaxBackwardShaders = [rowsShader, shader("ops/softmax_backward.wgsl", softmaxBackward)];
const normalizeShaders = [rowsShader, shader("ops/normalize.wgsl", normalize)];
const normalizeBackwardShaders = [rowsShader, shader("ops/normalize_backward.wgsl", normalizeBackward)];
const crossEntropyShaders = [rowsShader, logSumExpShader, shader("ops/cross_entropy.wgsl", crossEntropy)];
const crossEntropyBackwardShaders = [rowsShader, logSumExpShader, shader("ops/cross_entropy_backward.wgsl", crossEntropyBackward)];
const embeddingShaders = [quotientShader, shader("ops/embedding.wgsl", embedding)];
const scatterShaders = [quotientShader, shader("ops/scatter.wgsl", scatter)];

/** Dispatches one invocation for each of `count` elements; `width` and `epsilon` follow in the uniform. */
function each(
  device: Device,
  shaders: readonly Shader[],
  count: number,
  [width, epsilon = 0]: readonly [number, number?],
  reads: readonly Block[],
  writes: readonly Operand[],
): void {
  device.dispatch({
    shaders: [eachShader, ...shaders],
    constants: { GROUP },
    uniform: [count, width, { float: epsilon }],
    reads,
    writes: writes.map(({ block }) => block),
    workgroups: groupsFor(count, device.limits),
  });
}

/** One invocation for each row of `x`. */
function eachRow(
  device: Device,
  shaders: readonly Shader[],
  { shape }: Operand,
  reads: readonly Block[],
  writes: readonly Operand[],
  epsilon?: number,
): void {
  each(device, shaders, sizeOf(shape.slice(0, -1)), [shape.at(-1)!, epsilon], reads, writes);
}

const blocks = (operands: readonly Operand[]): Block[] => operands.map(({ block }) => block);

/** Which rows of the output name each row of the table: places[starts[row] .. starts[row + 1]], in ascending order. */
function invert(ids: Int32Array, rows: number): { starts: Uint32Array; places: Uint32Array } {
  const starts = new Uint32Array(rows + 1);
  for (const id of ids) starts[id + 1]++;
  for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
  const next = starts.slice();
  const places = new Uint32Array(ids.length);
  ids.forEach((id, place) => (places[next[id]++] = place));
  return { starts, places };
}

export const rowwise = [
  implement(softmaxPrimitive, (device, [x], outputs) => eachRow(device, softmaxShaders, x, [x.block], outputs)),
  implement(softmaxBackwardPrimitive, (device, inputs, outputs) => {
    eachRow(device, softmaxBackwardShaders, inputs[0], blocks(inputs), outputs);
  }),
  implement(normalizePrimitive, (device, [x], outputs, { epsilon }) => {
    eachRow(device, normalizeShaders, x, [x.block], outputs, epsilon);
  }),
  implement(normalizeBackwardPrimitive, (device, inputs, outputs) => {
    eachRow(device, normalizeBackwardShaders, inputs[0], blocks(inputs), outputs);
  }),
  implement(crossEntropyPrimitive, (device, [x], outputs, { labels }) => {
    eachRow(device, crossEntropyShaders, x, [x.block, device.upload(labels.values)], outputs);
  }),
  implement(crossEntropyBackwardPrimitive, (device, [x, d], outputs, { labels }) => {
    eachRow(device, crossEntropyBackwardShaders, x, [x.block, device.upload(labels.values), d.block], outputs);
  }),
  implement(embeddingPrimitive, (device, [table], [y], { ids }) => {
    each(device, embeddingShaders, sizeOf(y.shape), [table.shape[1]], [table.block, device.upload(ids.values)], [y]);
  }),
  implement(scatterPrimitive, (device, [dy], [dTable], { ids, rows }) => {
    const { starts, places } = invert(ids.values, rows);
    const reads = [dy.block, device.upload(starts), device.upload(places)];
    each(device, scatterShaders, sizeOf(dTable.shape), [dTable.shape[1]], reads, [dTable]);
  }),
];
