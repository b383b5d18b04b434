import { UnsupportedError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { Shader } from "../kernels/kernel.js";
import { probePrimitive } from "../kernels/probe.js";
import { attentionBackwardPrimitive, attentionExtents, attentionPrimitive, type AttentionAttributes, type AttentionExtents } from "../kernels/primitives.js";
import attentionText from "../../shaders/lib/attention.wgsl";
import biasText from "../../shaders/lib/bias.wgsl";
import keyTile from "../../shaders/lib/key_tile.wgsl";
import lengthsText from "../../shaders/lib/lengths.wgsl";
import noBias from "../../shaders/lib/no_bias.wgsl";
import noLengths from "../../shaders/lib/no_lengths.wgsl";
import outputGradient from "../../shaders/lib/output_gradient.wgsl";
import pair from "../../shaders/lib/pair.wgsl";
import parts from "../../shaders/lib/parts.wgsl";
import partsAligned from "../../shaders/lib/parts_aligned.wgsl";
import store from "../../shaders/lib/store.wgsl";
import storeAligned from "../../shaders/lib/store_aligned.wgsl";
import queryGradient from "../../shaders/lib/query_gradient.wgsl";
import queryRow from "../../shaders/lib/query_row.wgsl";
import count from "../../shaders/normalizers/count.wgsl";
import none from "../../shaders/normalizers/none.wgsl";
import softmax from "../../shaders/normalizers/softmax.wgsl";
import sum from "../../shaders/normalizers/sum.wgsl";
import queryRun from "../../shaders/lib/query_run.wgsl";
import backwardKeyValueShuffle from "../../shaders/passes/backward_key_value_shuffle.wgsl";
import backwardQueryShuffle from "../../shaders/passes/backward_query_shuffle.wgsl";
import forwardShuffle from "../../shaders/passes/forward_shuffle.wgsl";
import backwardBias from "../../shaders/passes/backward_bias.wgsl";
import backwardKeyValue from "../../shaders/passes/backward_key_value.wgsl";
import backwardParameters from "../../shaders/passes/backward_parameters.wgsl";
import backwardQuery from "../../shaders/passes/backward_query.wgsl";
import combine from "../../shaders/passes/combine.wgsl";
import delta from "../../shaders/passes/delta.wgsl";
import forward from "../../shaders/passes/forward.wgsl";
import forwardSplit from "../../shaders/passes/forward_split.wgsl";
import probe from "../../shaders/passes/probe.wgsl";
import { eachShader, quotientShader } from "./elementwise.js";
import { GROUP, groupsFor, implement, shader, type Device, type Operand } from "./job.js";
import type { Extra, Pass } from "./queue.js";

const shared = [shader("lib/attention.wgsl", attentionText), shader("lib/pair.wgsl", pair)];
const byQuery = [...shared, shader("lib/key_tile.wgsl", keyTile), shader("lib/query_row.wgsl", queryRow)];
const outputGradientShader = shader("lib/output_gradient.wgsl", outputGradient);
const byQueryBackward = [...byQuery, outputGradientShader, shader("lib/query_gradient.wgsl", queryGradient)];

const passes = {
  forward: [...byQuery, shader("passes/forward.wgsl", forward)],
  split: [...byQuery, shader("passes/forward_split.wgsl", forwardSplit)],
  query: [...byQueryBackward, shader("passes/backward_query.wgsl", backwardQuery)],
  parameters: [...byQueryBackward, shader("passes/backward_parameters.wgsl", backwardParameters)],
  bias: [...shared, outputGradientShader, shader("passes/backward_bias.wgsl", backwardBias)],
  keyValue: [...shared, outputGradientShader, shader("passes/backward_key_value.wgsl", backwardKeyValue)],
};
const queryRunShader = shader("lib/query_run.wgsl", queryRun);
const shufflePasses = {
  forward: [...shared, queryRunShader, shader("passes/forward_shuffle.wgsl", forwardShuffle, ["subgroups"])],
  query: [...shared, queryRunShader, outputGradientShader, shader("passes/backward_query_shuffle.wgsl", backwardQueryShuffle, ["subgroups"])],
  keyValue: [...shared, outputGradientShader, shader("passes/backward_key_value_shuffle.wgsl", backwardKeyValueShuffle, ["subgroups"])],
};
/** How rows are loaded, and stored by the passes that take it from here. */
const access = {
  any: { load: shader("lib/parts.wgsl", parts), store: shader("lib/store.wgsl", store) },
  aligned: { load: shader("lib/parts_aligned.wgsl", partsAligned), store: shader("lib/store_aligned.wgsl", storeAligned) },
};
const deltaShaders = [eachShader, shader("passes/delta.wgsl", delta)];
const combineShaders = [eachShader, quotientShader, shader("lib/pair.wgsl", pair), shader("passes/combine.wgsl", combine)];
const probeShaders = [eachShader, shader("lib/pair.wgsl", pair), shader("passes/probe.wgsl", probe)];
const withBias = shader("lib/bias.wgsl", biasText);
const withoutBias = shader("lib/no_bias.wgsl", noBias);
const withLengths = shader("lib/lengths.wgsl", lengthsText);
const withoutLengths = shader("lib/no_lengths.wgsl", noLengths);
const BIAS_BINDING = 10;
const LENGTHS_BINDING = 11;
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

/** Up to so many queries, as in decoding, the keys of a row are split over workgroups. */
const FEW_QUERIES = 4;
/** Keys of one split. */
const SPLIT = 256;
/** The largest struct Row of a normaliser, in numbers. */
const ROW_STATE = 2;

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

type PassName = keyof typeof passes;

/** Passes that hold rows in registers are for heads of at most so many vec4s, */
const WIDEST_HELD = 16;
/** and from so many queries and keys on: compilers unroll their loops over a head, which takes seconds. */
const LONG = 128;
/** Rows in the registers of one invocation. */
const RUNS = { forward: 4, query: 2, keyValue: 2 };

interface Form {
  readonly shaders: readonly Shader[];
  readonly constants: Readonly<Record<string, number>>;
  /** Rows that a workgroup owns. */
  readonly rows: number;
}

/** A pass in the form that suits the adapter. */
function formOf({ variants, limits }: Device, name: PassName, { dim, valueDim, queries, keys }: AttentionExtents): Form {
  const [PARTS, VALUE_PARTS] = [Math.ceil(dim / 4), Math.ceil(valueDim / 4)];
  const { load, store } = access[dim % 4 === 0 && valueDim % 4 === 0 ? "aligned" : "any"];
  const LANES = variants.broadcastLanes;
  const suits = Math.min(queries, keys) >= LONG && Math.max(PARTS, VALUE_PARTS) <= WIDEST_HELD;
  if (LANES !== undefined && suits && name in shufflePasses) {
    const shuffled = name as keyof typeof shufflePasses;
    const RUN = RUNS[shuffled];
    return { shaders: [...shufflePasses[shuffled], load, store], constants: { PARTS, VALUE_PARTS, LANES, RUN }, rows: LANES * RUN };
  }
  const TILE = tileFor(PARTS, VALUE_PARTS, limits.maxComputeWorkgroupStorageSize);
  return { shaders: [...passes[name], load], constants: { PARTS, VALUE_PARTS, TILE, ROWS }, rows: ROWS };
}

/** A pass over the rows of every head; what all of them share. */
function tiled(
  device: Device,
  attributes: AttentionAttributes,
  name: PassName,
  [q, k, v, parameters]: readonly Operand[],
  bias: Operand | undefined,
): Omit<Pass, "writes"> {
  const { kernel, band, lengths, softcap, bias: layout } = attributes;
  const extents = attentionExtents(q.shape, k.shape, v.shape);
  const { batch, heads, keyHeads, queries, keys, dim, valueDim } = extents;
  const form = formOf(device, name, extents);
  const extras: Extra[] = [];
  if (bias !== undefined) extras.push({ binding: BIAS_BINDING, block: bias.block });
  if (lengths !== undefined) extras.push({ binding: LENGTHS_BINDING, block: device.upload(lengths) });
  const hooks = [bias === undefined ? withoutBias : withBias, lengths === undefined ? withoutLengths : withLengths];
  return {
    shaders: [...form.shaders, ...hooks, normalizers[kernel.normalizer], ...kernel.shaders],
    constants: form.constants,
    uniform: [
      ...[queries, keys, heads, keyHeads, dim, valueDim, parameters.shape[1], batch, band.low, band.high],
      { float: softcap },
      ...(layout === undefined ? [0, 0, 0, 0, 0] : [layout.offset, ...layout.strides]),
    ],
    reads: [q, k, v, parameters].map(({ block }) => block),
    extras,
    workgroups: name === "keyValue" ? [Math.ceil(keys / form.rows), keyHeads, batch] : [Math.ceil(queries / form.rows), heads, batch],
  };
}

const attentionForward = implement(attentionPrimitive, (device, inputs, outputs, attributes) => {
  const { batch, heads, queries, keys, valueDim } = attentionExtents(inputs[0].shape, inputs[1].shape, inputs[2].shape);
  const results = outputs.map(({ block }) => block);
  if (queries > FEW_QUERIES || keys <= SPLIT) {
    device.dispatch({ ...tiled(device, attributes, "forward", inputs, inputs.at(4)), writes: results });
    return;
  }
  const splits = Math.ceil(keys / SPLIT);
  const rows = batch * heads * queries;
  const parts = [device.scratch(rows * splits * ROW_STATE), device.scratch(rows * splits * valueDim)];
  const common = tiled(device, attributes, "split", inputs, inputs.at(4));
  device.dispatch({ ...common, constants: { ...common.constants, SPLIT }, writes: parts, workgroups: [splits, heads * queries, batch] });
  const { kernel } = attributes;
  device.dispatch({
    shaders: [...combineShaders, normalizers[kernel.normalizer], ...kernel.shaders],
    constants: { GROUP },
    uniform: [rows * valueDim, valueDim, splits, keys],
    reads: parts,
    writes: results,
    workgroups: groupsFor(rows * valueDim, device.limits),
  });
});

const attentionBackward = implement(attentionBackwardPrimitive, (device, inputs, outputs, attributes) => {
  const [q, k, v, , output, statistic, dOutput] = inputs;
  const { wanted, bias: layout } = attributes;
  const { batch, heads, queries, valueDim } = attentionExtents(q.shape, k.shape, v.shape);
  const rowCount = batch * heads * queries;
  const rows = device.scratch(rowCount * 4 * (Math.ceil(valueDim / 4) + 1));
  device.dispatch({
    shaders: deltaShaders,
    constants: { GROUP },
    uniform: [rowCount, valueDim],
    reads: [output.block, dOutput.block, statistic.block],
    writes: [rows],
    workgroups: groupsFor(rowCount, device.limits),
  });
  const remaining = outputs.map(({ block }) => block);
  const backward = (name: PassName, count: number, over?: (common: Omit<Pass, "writes">) => Partial<Pass>): void => {
    const common = tiled(device, attributes, name, inputs, inputs.at(7));
    device.dispatch({ ...common, reads: [...common.reads, rows], writes: remaining.splice(0, count), ...over?.(common) });
  };
  if (wanted.query) backward("query", 1);
  if (wanted.keyValue) backward("keyValue", 2);
  if (wanted.parameters) backward("parameters", 1);
  if (!wanted.bias) return;
  const elements = sizeOf(outputs[outputs.length - 1].shape);
  backward("bias", 1, ({ constants }) => ({
    constants: { ...constants, RELATIVE: layout?.relative ? 1 : 0 },
    workgroups: groupsFor(elements, device.limits, ROWS),
  }));
});

const kernelProbe = implement(probePrimitive, (device, [pairs, parameters], [hooks], { kernel }) => {
  device.dispatch({
    shaders: [...probeShaders, ...kernel.shaders],
    constants: { GROUP },
    uniform: [pairs.shape[0], parameters.shape[1]],
    reads: [pairs.block, parameters.block],
    writes: [hooks.block],
    workgroups: groupsFor(pairs.shape[0], device.limits),
  });
});

export const attention = [attentionForward, attentionBackward, kernelProbe];
