import { sizeOf, type Shape } from "../core/shape.js";
import type { BiasLayout } from "../kernels/bias.js";
import { probePrimitive } from "../kernels/probe.js";
import {
  attentionBackwardOperands,
  attentionBackwardPrimitive,
  attentionGradients,
  attentionOperands,
  attentionPrimitive,
  hasFewPairs,
  recenterPrimitive,
  type AttentionAttributes,
  type AttentionExtents,
  type AttentionOperands,
} from "../kernels/primitives.js";
import biasText from "../../shaders/lib/bias.wgsl";
import noPairGradients from "../../shaders/lib/no_pair_gradients.wgsl";
import pairGradients from "../../shaders/lib/pair_gradients.wgsl";
import lengthsText from "../../shaders/lib/lengths.wgsl";
import noBias from "../../shaders/lib/no_bias.wgsl";
import noLengths from "../../shaders/lib/no_lengths.wgsl";
import noSoftcap from "../../shaders/lib/no_softcap.wgsl";
import softcapText from "../../shaders/lib/softcap.wgsl";
import center from "../../shaders/ops/center.wgsl";
import recenterText from "../../shaders/ops/recenter.wgsl";
import combine from "../../shaders/passes/combine.wgsl";
import delta from "../../shaders/passes/delta.wgsl";
import probe from "../../shaders/passes/probe.wgsl";
import { eachShader, fill, finiteShader, quotientShader } from "./elementwise.js";
import { formOf, normalizers, pairShaders, ROWS, type PassName } from "./forms.js";
import { GROUP, groupsFor, implement, shader, type Device, type Operand } from "./job.js";
import type { Block } from "./memory.js";
import type { Extra, Pass } from "./programs.js";
import { sum } from "./reductions.js";
import { storedShaders } from "./stored.js";

const deltaShaders = [eachShader, shader("passes/delta.wgsl", delta)];
const combineShaders = [eachShader, quotientShader, ...pairShaders, shader("passes/combine.wgsl", combine)];
const centerShaders = [eachShader, quotientShader, finiteShader, shader("ops/center.wgsl", center)];
const recenterShader = shader("ops/recenter.wgsl", recenterText);
const [oneShader, fourShader] = [shader("generated (one)", "alias Number = f32;"), shader("generated (four)", "alias Number = vec4f;")];
/** Rows that an invocation moves: it loads the center once for all. */
const RECENTER_RUN = 16;
const probeShaders = [eachShader, ...pairShaders, shader("passes/probe.wgsl", probe)];
const withBias = shader("lib/bias.wgsl", biasText);
const withoutBias = shader("lib/no_bias.wgsl", noBias);
const withLengths = shader("lib/lengths.wgsl", lengthsText);
const withoutLengths = shader("lib/no_lengths.wgsl", noLengths);
const withSoftcap = shader("lib/softcap.wgsl", softcapText);
const withoutSoftcap = shader("lib/no_softcap.wgsl", noSoftcap);
const withPairGradients = shader("lib/pair_gradients.wgsl", pairGradients);
const withoutPairGradients = shader("lib/no_pair_gradients.wgsl", noPairGradients);
const BIAS_BINDING = 10;
const LENGTHS_BINDING = 11;

/** Up to so many queries, as in decoding, the keys of a row are split over workgroups. */
const FEW_QUERIES = 4;
/** Keys of one split. */
const SPLIT = 256;
/** The largest struct Row of a normaliser, in numbers. */
const ROW_STATE = 2;

/** A pass over the rows of every head; what all of them share. */
function tiled(
  device: Device,
  attributes: AttentionAttributes,
  name: PassName,
  { q, k, v, parameters, bias }: AttentionOperands<Operand>,
): Omit<Pass, "writes"> {
  const { kernel, extents, band, lengths, softcap, bias: layout } = attributes;
  const { batch, heads, keyHeads, queries, keys, dim, valueDim } = extents;
  const form = formOf(device, name, kernel, extents, q.dtype);
  const extras: Extra[] = [];
  if (bias !== undefined) extras.push({ binding: BIAS_BINDING, block: bias.block });
  if (lengths !== undefined) extras.push({ binding: LENGTHS_BINDING, block: device.upload(lengths) });
  const hooks = [bias === undefined ? withoutBias : withBias, lengths === undefined ? withoutLengths : withLengths, softcap > 0 ? withSoftcap : withoutSoftcap];
  return {
    shaders: [...form.shaders, ...hooks, ...normalizers[kernel.normalizer], ...kernel.shaders],
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
  const { batch, heads, queries, keys, valueDim } = attributes.extents;
  const operands = attentionOperands(inputs);
  const results = outputs.map(({ block }) => block);
  if (queries > FEW_QUERIES || keys <= SPLIT) {
    device.dispatch({ ...tiled(device, attributes, "forward", operands), writes: results });
    return;
  }
  const splits = Math.ceil(keys / SPLIT);
  const rows = batch * heads * queries;
  const parts = [device.scratch(rows * splits * ROW_STATE), device.scratch(rows * splits * valueDim)];
  const common = tiled(device, attributes, "split", operands);
  device.dispatch({ ...common, constants: { ...common.constants, SPLIT }, writes: parts, workgroups: [splits, heads * queries, batch] });
  const { kernel } = attributes;
  device.dispatch({
    shaders: [...combineShaders, storedShaders[outputs[0].dtype].one, ...normalizers[kernel.normalizer], ...kernel.shaders],
    constants: { GROUP },
    uniform: [rows * valueDim, valueDim, splits, keys],
    reads: parts,
    writes: results,
    workgroups: groupsFor(rows * valueDim, device.limits),
  });
});

/**
 * From a pair to the next one, of its batch entry and head, that shares its element of a bias: how many queries and how many keys further.
 * [0, 0] where none does. Where queries and keys share an element, along the keys.
 */
function biasStep({ strides, relative }: BiasLayout, { queries, keys }: AttentionExtents): readonly [number, number] {
  if (relative) return [1, 1];
  if (strides[3] === 0 && keys > 1) return [0, 1];
  return strides[2] === 0 && queries > 1 ? [1, 0] : [0, 0];
}

/**
 * Whether the pass of the queries, where it runs anyway, leaves behind a number for every pair, which sum to the gradient of the bias. With
 * lengths bindings run out.
 */
function keepsPairs({ extents, lengths, bias }: AttentionAttributes): boolean {
  return lengths === undefined && bias?.relative === false && hasFewPairs(extents);
}

/** Has `body` write numbers of a shape, and sums them over some axes to the result. */
function summed(device: Device, shape: Shape, axes: readonly number[], result: Operand, body: (terms: Block) => void): void {
  if (axes.length === 0) {
    body(result.block);
    return;
  }
  const terms = { ...result, shape, block: device.scratch(sizeOf(shape)) };
  body(terms.block);
  sum(device, [terms], [result], { axes });
}

const attentionBackward = implement(attentionBackwardPrimitive, (device, inputs, outputs, attributes) => {
  const operands = attentionBackwardOperands(inputs);
  const { k, v, output, statistic, cotangent } = operands;
  const { q: dq, k: dk, v: dv, parameters: dParameters, bias: dBias } = attentionGradients(outputs, attributes);
  const { bias: layout, band, extents } = attributes;
  const { batch, heads, queries, keys, valueDim } = extents;
  const rowCount = batch * heads * queries;
  const rows = device.scratch(rowCount * 4 * (Math.ceil(valueDim / 4) + 1));
  device.dispatch({
    shaders: [...deltaShaders, storedShaders[output.dtype].one],
    constants: { GROUP },
    uniform: [rowCount, valueDim],
    reads: [output.block, cotangent.block, statistic.block],
    writes: [rows],
    workgroups: groupsFor(rowCount, device.limits),
  });
  const backward = (name: PassName, writes: readonly Block[], over?: (common: Omit<Pass, "writes">) => Partial<Pass>, kept = withoutPairGradients): void => {
    const common = tiled(device, attributes, name, operands);
    device.dispatch({ ...common, shaders: [...common.shaders, kept], reads: [...common.reads, rows], writes, ...over?.(common) });
  };
  const summedToBias = (shape: Shape, result: Operand, body: (terms: Block) => void): void => {
    summed(device, shape, shape.flatMap((extent, axis) => (extent === result.shape[axis] ? [] : [axis])), result, body);
  };
  if (dq !== undefined && dBias !== undefined && keepsPairs(attributes)) {
    summedToBias([batch, heads, queries, keys], dBias, (pairs) => {
      const isPartial = band.low > 1 - queries || band.high < keys - 1;
      if (isPartial) fill(device, pairs, rowCount * keys, 0); // passes skip tiles that the band hides
      backward("query", [dq.block, pairs], undefined, withPairGradients);
    });
  } else {
    if (dq !== undefined) backward("query", [dq.block]);
    if (dBias !== undefined && layout !== undefined) {
      const [QUERY_STEP, KEY_STEP] = biasStep(layout, extents);
      // Where queries or keys share elements, one for every one of the others, of each head and batch entry.
      const shape = QUERY_STEP === KEY_STEP ? dBias.shape : [batch, heads, QUERY_STEP === 1 ? 1 : queries, KEY_STEP === 1 ? 1 : keys];
      summedToBias(shape, dBias, (elements) => {
        backward("bias", [elements], ({ constants }) => ({
          constants: { ...constants, ROWS, QUERY_STEP, KEY_STEP },
          workgroups: groupsFor(sizeOf(shape), device.limits, ROWS),
        }));
      });
    }
  }
  if (dk !== undefined || dv !== undefined) {
    backward("keyValue", [dk?.block ?? device.scratch(sizeOf(k.shape)), dv?.block ?? device.scratch(sizeOf(v.shape))]);
  }
  if (dParameters !== undefined) {
    const [, count] = dParameters.shape;
    summed(device, [batch, heads, queries, count], [0, 2], dParameters, (ofRows) => backward("parameters", [ofRows]));
  }
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

const recenter = implement(recenterPrimitive, (device, [q, k], moved, { exact }) => {
  const [batch, keyHeads, keys, dim] = k.shape as [number, number, number, number];
  const heads = batch * keyHeads;
  const queries = sizeOf(q.shape) / heads / dim;
  const centers = device.scratch(heads * dim);
  device.dispatch({
    shaders: centerShaders,
    constants: { GROUP, EXACT: exact ? 1 : 0 },
    uniform: [heads * dim, keys, queries, dim],
    reads: [k.block, q.block],
    writes: [centers],
    workgroups: groupsFor(heads * dim, device.limits),
  });
  const wide = dim % 4 === 0;
  const width = wide ? dim / 4 : dim;
  const count = heads * width * Math.ceil((queries + keys) / RECENTER_RUN);
  device.dispatch({
    shaders: [eachShader, wide ? fourShader : oneShader, recenterShader],
    constants: { GROUP, RUN: RECENTER_RUN },
    uniform: [count, width, queries, keys],
    reads: [q.block, k.block, centers],
    writes: moved.map(({ block }) => block),
    workgroups: groupsFor(count, device.limits),
  });
});

export const attention = [attentionForward, attentionBackward, kernelProbe, recenter];
