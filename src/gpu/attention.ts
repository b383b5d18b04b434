import { sizeOf, type Shape } from "../core/shape.js";
import type { BiasLayout } from "../kernels/bias.js";
import { probed, probePrimitive } from "../kernels/probe.js";
import {
  attentionBackwardOperands,
  attentionBackwardPrimitive,
  attentionGradients,
  attentionOperands,
  attentionPrimitive,
  hasFewPairs,
  HIDING,
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
import noSpans from "../../shaders/lib/no_spans.wgsl";
import spansText from "../../shaders/lib/spans.wgsl";
import softcapText from "../../shaders/lib/softcap.wgsl";
import combine from "../../shaders/passes/combine.wgsl";
import delta from "../../shaders/passes/delta.wgsl";
import probe from "../../shaders/passes/probe.wgsl";
import { fill, quotientShader } from "./elementwise.js";
import { formOf, normalizers, pairShaders, ROWS, type PassName } from "./forms.js";
import {
  dispatchEach,
  eachShader,
  groupsFor,
  implement,
  shader,
  type Recorder,
  type Operand,
} from "./implementation.js";
import type { Block } from "./memory.js";
import { arrayOf, f32, i32, type Binding, type Pass } from "./pass.js";
import { sum } from "./reductions.js";
import { storageShaders } from "./storage-type.js";

const deltaShaders = [eachShader, shader("passes/delta.wgsl", delta)];
const combineShaders = [eachShader, quotientShader, ...pairShaders, shader("passes/combine.wgsl", combine)];
const probeShaders = [eachShader, ...pairShaders, shader("passes/probe.wgsl", probe)];
const withBias = shader("lib/bias.wgsl", biasText);
const withoutBias = shader("lib/no_bias.wgsl", noBias);
const withLengths = shader("lib/lengths.wgsl", lengthsText);
const withoutLengths = shader("lib/no_lengths.wgsl", noLengths);
const withSpans = shader("lib/spans.wgsl", spansText);
const withoutSpans = shader("lib/no_spans.wgsl", noSpans);
const withSoftcap = shader("lib/softcap.wgsl", softcapText);
const withoutSoftcap = shader("lib/no_softcap.wgsl", noSoftcap);
const withPairGradients = shader("lib/pair_gradients.wgsl", pairGradients);
const withoutPairGradients = shader("lib/no_pair_gradients.wgsl", noPairGradients);

/** Up to so many queries, as in decoding, the keys of a row are split over workgroups. */
const FEW_QUERIES = 4;
/** Keys of one split. */
const SPLIT = 256;
/** The largest struct Row of a normaliser, in numbers. */
const ROW_STATE = 2;

/** Rows of what is stored in the dtype of the queries. */
const stored = (rows: Operand): Binding => arrayOf("Stored", rows);

/** A pass over the rows of every head; what all of them share. */
function tiled(
  recorder: Recorder,
  attributes: AttentionAttributes,
  name: PassName,
  { q, k, v, parameters, bias }: AttentionOperands<Operand>,
): Omit<Pass, "writes"> {
  const { kernel, extents, band, lengths, spans, softcap, bias: layout } = attributes;
  const { batch, heads, keyHeads, queries, keys, dim, valueDim } = extents;
  const form = formOf(recorder, name, kernel, extents, q.dtype);
  const hooks = [
    bias === undefined ? withoutBias : withBias,
    lengths === undefined ? withoutLengths : withLengths,
    spans === undefined ? withoutSpans : withSpans,
    softcap > 0 ? withSoftcap : withoutSoftcap,
  ];
  return {
    shaders: [...form.shaders, ...hooks, ...normalizers[kernel.normalizer], ...kernel.shaders],
    constants: { ...form.constants, HIDING: f32(HIDING) },
    uniform: {
      queries,
      keys,
      heads,
      key_heads: keyHeads,
      dim,
      value_dim: valueDim,
      parameters: parameters.shape[1],
      batches: batch,
      low: i32(band.low),
      high: i32(band.high),
      ...(softcap > 0 && { softcap: f32(softcap) }),
      ...(layout !== undefined && biasMembers(layout)),
    },
    reads: {
      queries: stored(q),
      keys: stored(k),
      values: stored(v),
      parameters,
      ...(bias !== undefined && { bias }),
      ...(lengths !== undefined && {
        lengths: arrayOf("vec4u", recorder.upload(spans === undefined ? lengths : lengths.concat(spans))),
      }),
    },
    workgroups:
      name === "keyValue"
        ? [Math.ceil(keys / form.rows) * form.slices, keyHeads, batch]
        : [Math.ceil(queries / form.rows) * form.slices, heads, batch],
  };
}

/** Where the bias of a pair lies: offset + batch, head, query and key times their strides. */
function biasMembers({ offset, strides: [batch, head, query, key] }: BiasLayout): Pass["uniform"] {
  return {
    bias_offset: i32(offset),
    bias_batch: i32(batch),
    bias_head: i32(head),
    bias_query: i32(query),
    bias_key: i32(key),
  };
}

const attentionForward = implement(attentionPrimitive, (recorder, inputs, [output, statistic], attributes) => {
  const { kernel, extents } = attributes;
  const { batch, heads, queries, keys, valueDim } = extents;
  const operands = attentionOperands(inputs);
  const writes = { outputs: stored(output), statistics: statistic };
  if (queries > FEW_QUERIES || keys <= SPLIT) {
    recorder.dispatch({ ...tiled(recorder, attributes, "forward", operands), writes });
    return;
  }
  const splits = Math.ceil(keys / SPLIT);
  const rows = batch * heads * queries;
  const partial = {
    states: arrayOf("Row", recorder.scratch(rows * splits * ROW_STATE)),
    partial_sums: recorder.scratch(rows * splits * valueDim),
  };
  const common = tiled(recorder, attributes, "split", operands);
  recorder.dispatch({
    ...common,
    constants: { ...common.constants, SPLIT },
    writes: partial,
    workgroups: [splits, heads * queries, batch],
  });
  dispatchEach(recorder, rows * valueDim, {
    shaders: [
      ...combineShaders,
      storageShaders[output.dtype].one,
      ...normalizers[kernel.normalizer],
      ...kernel.shaders,
    ],
    uniform: { value_dim: valueDim, splits, keys },
    reads: partial,
    writes,
  });
});

/**
 * The step in [queries, keys] from a pair to the next pair of the same batch entry and head that shares its element of
 * the bias. [0, 0] if there is none. If both queries and keys share an element, the step is along the keys.
 */
function biasStep({ strides, relative }: BiasLayout, { queries, keys }: AttentionExtents): readonly [number, number] {
  if (relative) return [1, 1];
  if (strides[3] === 0 && keys > 1) return [0, 1];
  return strides[2] === 0 && queries > 1 ? [1, 0] : [0, 0];
}

/**
 * Whether the pass of the queries, where it runs anyway, leaves behind a number for every pair, which sum to the
 * gradient of the bias. With lengths bindings run out.
 */
function keepsPairs({ extents, lengths, bias }: AttentionAttributes): boolean {
  return lengths === undefined && bias?.relative === false && hasFewPairs(extents);
}

/** Has `body` write numbers of a shape, and sums them over some axes to the result. */
function summed(
  recorder: Recorder,
  shape: Shape,
  axes: readonly number[],
  result: Operand,
  body: (terms: Block) => void,
): void {
  if (axes.length === 0) return body(result.block);
  const terms = { ...result, shape, block: recorder.scratch(sizeOf(shape)) };
  body(terms.block);
  sum(recorder, [terms], [result], { axes });
}

const attentionBackward = implement(attentionBackwardPrimitive, (recorder, inputs, outputs, attributes) => {
  const operands = attentionBackwardOperands(inputs);
  const { k, v, output, statistic, cotangent } = operands;
  const { q: dq, k: dk, v: dv, parameters: dParameters, bias: dBias } = attentionGradients(outputs, attributes);
  const { bias: layout, band, extents } = attributes;
  const { batch, heads, queries, keys, valueDim } = extents;
  const rowCount = batch * heads * queries;
  const rows = arrayOf("vec4f", recorder.scratch(rowCount * 4 * (Math.ceil(valueDim / 4) + 1)));
  dispatchEach(recorder, rowCount, {
    shaders: [...deltaShaders, storageShaders[output.dtype].one],
    uniform: { value_dim: valueDim },
    reads: { outputs: stored(output), output_gradients: stored(cotangent), statistics: statistic },
    writes: { rows },
  });
  const backward = (
    name: PassName,
    writes: Pass["writes"],
    over?: (common: Omit<Pass, "writes">) => Partial<Pass>,
  ): void => {
    const common = tiled(recorder, attributes, name, operands);
    const kept = "pair_gradients" in writes ? withPairGradients : withoutPairGradients;
    recorder.dispatch({
      ...common,
      shaders: [...common.shaders, kept],
      reads: { ...common.reads, rows },
      writes,
      ...over?.(common),
    });
  };
  const summedToBias = (shape: Shape, result: Operand, body: (terms: Block) => void): void => {
    summed(
      recorder,
      shape,
      shape.flatMap((extent, axis) => (extent === result.shape[axis] ? [] : [axis])),
      result,
      body,
    );
  };
  if (dq !== undefined && dBias !== undefined && keepsPairs(attributes)) {
    summedToBias([batch, heads, queries, keys], dBias, (pairs) => {
      const isPartial = band.low > 1 - queries || band.high < keys - 1;
      if (isPartial) fill(recorder, pairs, rowCount * keys, 0); // passes skip tiles that the band hides
      backward("query", { query_gradients: stored(dq), pair_gradients: pairs });
    });
  } else {
    if (dq !== undefined) backward("query", { query_gradients: stored(dq) });
    if (dBias !== undefined && layout !== undefined) {
      const [QUERY_STEP, KEY_STEP] = biasStep(layout, extents);
      // Where queries or keys share elements, one for every one of the others, of each head and batch entry.
      const shape =
        QUERY_STEP === KEY_STEP
          ? dBias.shape
          : [batch, heads, QUERY_STEP === 1 ? 1 : queries, KEY_STEP === 1 ? 1 : keys];
      summedToBias(shape, dBias, (elements) => {
        backward("bias", { bias_gradients: elements }, ({ constants }) => ({
          constants: { ...constants, ROWS, QUERY_STEP, KEY_STEP },
          workgroups: groupsFor(sizeOf(shape), recorder.limits, ROWS),
        }));
      });
    }
  }
  if (dk !== undefined || dv !== undefined) {
    const unwanted = ({ shape, dtype }: Operand): Operand => ({ shape, dtype, block: recorder.scratch(sizeOf(shape)) });
    backward("keyValue", { key_gradients: stored(dk ?? unwanted(k)), value_gradients: stored(dv ?? unwanted(v)) });
  }
  if (dParameters !== undefined) {
    const [, count] = dParameters.shape;
    summed(recorder, [batch, heads, queries, count], [0, 2], dParameters, (ofRows) =>
      backward("parameters", { parameter_gradients: ofRows }),
    );
  }
});

const kernelProbe = implement(probePrimitive, (recorder, [pairs, parameters], [hooks], { kernel }) => {
  dispatchEach(recorder, pairs.shape[0], {
    shaders: [...probeShaders, ...kernel.shaders],
    constants: { PROBED: probed.length },
    uniform: { parameters: parameters.shape[1] },
    reads: { pairs, parameters },
    writes: { hooks },
  });
});

export const attention = [attentionForward, attentionBackward, kernelProbe];
