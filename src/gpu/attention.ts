import { UnsupportedError } from "../core/errors.js";
import type { Shader, TiledKernel } from "../kernels/kernel.js";
import { attentionBackwardPrimitive, attentionExtents, attentionPrimitive, type AttentionExtents } from "../kernels/primitives.js";
import attentionText from "../../shaders/lib/attention.wgsl";
import keyTile from "../../shaders/lib/key_tile.wgsl";
import outputGradient from "../../shaders/lib/output_gradient.wgsl";
import pair from "../../shaders/lib/pair.wgsl";
import queryGradient from "../../shaders/lib/query_gradient.wgsl";
import queryRow from "../../shaders/lib/query_row.wgsl";
import count from "../../shaders/normalizers/count.wgsl";
import none from "../../shaders/normalizers/none.wgsl";
import softmax from "../../shaders/normalizers/softmax.wgsl";
import sum from "../../shaders/normalizers/sum.wgsl";
import backwardKeyValue from "../../shaders/passes/backward_key_value.wgsl";
import backwardParameters from "../../shaders/passes/backward_parameters.wgsl";
import backwardQuery from "../../shaders/passes/backward_query.wgsl";
import delta from "../../shaders/passes/delta.wgsl";
import forward from "../../shaders/passes/forward.wgsl";
import { eachShader } from "./elementwise.js";
import { GROUP, groupsFor, implement, shader, type Operand } from "./job.js";
import type { Pass } from "./queue.js";

const shared = [shader("lib/attention.wgsl", attentionText), shader("lib/pair.wgsl", pair)];
const byQuery = [...shared, shader("lib/key_tile.wgsl", keyTile), shader("lib/query_row.wgsl", queryRow)];
const outputGradientShader = shader("lib/output_gradient.wgsl", outputGradient);
const byQueryBackward = [...byQuery, outputGradientShader, shader("lib/query_gradient.wgsl", queryGradient)];

const passes = {
  forward: [...byQuery, shader("passes/forward.wgsl", forward)],
  query: [...byQueryBackward, shader("passes/backward_query.wgsl", backwardQuery)],
  parameters: [...byQueryBackward, shader("passes/backward_parameters.wgsl", backwardParameters)],
  keyValue: [...shared, outputGradientShader, shader("passes/backward_key_value.wgsl", backwardKeyValue)],
};
const deltaShaders = [eachShader, shader("passes/delta.wgsl", delta)];
const normalizers = {
  softmax: shader("normalizers/softmax.wgsl", softmax),
  sum: shader("normalizers/sum.wgsl", sum),
  count: shader("normalizers/count.wgsl", count),
  none: shader("normalizers/none.wgsl", none),
};

/** Invocations of a workgroup; each owns one row. */
const ROWS = 32;
/** More keys in workgroup memory than this save nothing. */
const LARGEST_TILE = 32;

/** The largest power of two of rows, as wide as a key and a value together, that fits in workgroup memory. */
function tileFor(parts: number, valueParts: number, limit: number): number {
  const bytes = 16 * (parts + valueParts) + 12; // and a norm, a statistic and a delta
  const fits = Math.floor(limit / bytes);
  if (fits < 1) {
    throw new UnsupportedError({
      where: "attention",
      wanted: `d + dv of at most ${Math.floor((limit - 12) / 4)} on this adapter (maxComputeWorkgroupStorageSize ${limit})`,
      got: `widths of ${4 * parts} and ${4 * valueParts}`,
      fix: "Split the width over more heads.",
    });
  }
  return Math.min(LARGEST_TILE, 2 ** Math.floor(Math.log2(fits)));
}

/** A pass over the rows of every head; what all of them share. */
function tiled(
  extents: AttentionExtents,
  kernel: TiledKernel,
  pass: readonly Shader[],
  [q, k, v, parameters]: readonly Operand[],
  limits: GPUSupportedLimits,
): Omit<Pass, "writes" | "workgroups"> {
  const { heads, keyHeads, queries, keys, dim, valueDim } = extents;
  const [PARTS, VALUE_PARTS] = [Math.ceil(dim / 4), Math.ceil(valueDim / 4)];
  const TILE = tileFor(PARTS, VALUE_PARTS, limits.maxComputeWorkgroupStorageSize);
  return {
    shaders: [...pass, normalizers[kernel.normalizer], ...kernel.shaders],
    constants: { PARTS, VALUE_PARTS, TILE, ROWS },
    uniform: [queries, keys, heads, keyHeads, dim, valueDim, parameters.shape[1]],
    reads: [q, k, v, parameters].map((operand) => operand.block),
  };
}

const attentionForward = implement(attentionPrimitive, (device, inputs, outputs, { kernel }) => {
  const extents = attentionExtents(inputs[0].shape, inputs[1].shape, inputs[2].shape);
  device.dispatch({
    ...tiled(extents, kernel, passes.forward, inputs, device.limits),
    writes: outputs.map(({ block }) => block),
    workgroups: [Math.ceil(extents.queries / ROWS), extents.heads, extents.batch],
  });
});

const attentionBackward = implement(attentionBackwardPrimitive, (device, inputs, outputs, { kernel, wanted }) => {
  const [q, k, v, , output, statistic, dOutput] = inputs as [Operand, Operand, Operand, Operand, Operand, Operand, Operand];
  const extents = attentionExtents(q.shape, k.shape, v.shape);
  const { batch, heads, keyHeads, queries, keys, valueDim } = extents;
  const rowCount = batch * heads * queries;
  const rows = device.scratch(2 * rowCount);
  device.dispatch({
    shaders: deltaShaders,
    constants: { GROUP },
    uniform: [rowCount, valueDim],
    reads: [output.block, dOutput.block, statistic.block],
    writes: [rows],
    workgroups: groupsFor(rowCount, device.limits),
  });
  const remaining = outputs.map(({ block }) => block);
  const backward = (pass: readonly Shader[], count: number, workgroups: Pass["workgroups"]): void => {
    const common = tiled(extents, kernel, pass, inputs, device.limits);
    device.dispatch({ ...common, reads: [...common.reads, dOutput.block, rows], writes: remaining.splice(0, count), workgroups });
  };
  if (wanted.query) backward(passes.query, 1, [Math.ceil(queries / ROWS), heads, batch]);
  if (wanted.keyValue) backward(passes.keyValue, 2, [Math.ceil(keys / ROWS), keyHeads, batch]);
  if (wanted.parameters) backward(passes.parameters, 1, [Math.ceil(queries / ROWS), heads, batch]);
});

export const attention = [attentionForward, attentionBackward];
