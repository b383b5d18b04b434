import {
  crossEntropyBackwardPrimitive,
  crossEntropyPrimitive,
  embeddingPrimitive,
  scatterPrimitive,
} from "../autograd/lookup.js";
import {
  layerNormBackwardPrimitive,
  layerNormPrimitive,
  softmaxBackwardPrimitive,
  softmaxPrimitive,
} from "../autograd/rows.js";
import { sizeOf } from "../core/shape.js";
import type { Shader } from "../kernels/kernel.js";
import logSumExp from "../../shaders/lib/log_sum_exp.wgsl";
import crossEntropy from "../../shaders/ops/cross_entropy.wgsl";
import crossEntropyBackward from "../../shaders/ops/cross_entropy_backward.wgsl";
import embedding from "../../shaders/ops/embedding.wgsl";
import layerNorm from "../../shaders/ops/layer_norm.wgsl";
import layerNormBackward from "../../shaders/ops/layer_norm_backward.wgsl";
import layerNormSums from "../../shaders/ops/layer_norm_sums.wgsl";
import scatter from "../../shaders/ops/scatter.wgsl";
import softmax from "../../shaders/ops/softmax.wgsl";
import softmaxBackward from "../../shaders/ops/softmax_backward.wgsl";
import { finiteShader, quotientShader } from "./elementwise.js";
import {
  dispatchEach,
  eachShader,
  implement,
  numbersOf,
  shader,
  type Recorder,
  type Operand,
} from "./implementation.js";
import { arrayOf, f32, type Pass } from "./pass.js";
import { CHUNK, sum } from "./reductions.js";

const logSumExpShader = shader("lib/log_sum_exp.wgsl", logSumExp);
const softmaxShaders = [eachShader, finiteShader, shader("ops/softmax.wgsl", softmax)];
const softmaxBackwardShaders = [eachShader, shader("ops/softmax_backward.wgsl", softmaxBackward)];
const layerNormShaders = [eachShader, shader("ops/layer_norm.wgsl", layerNorm)];
const layerNormBackwardShaders = [eachShader, shader("ops/layer_norm_backward.wgsl", layerNormBackward)];
const layerNormSumsShader = shader("ops/layer_norm_sums.wgsl", layerNormSums);
const crossEntropyShaders = [eachShader, finiteShader, logSumExpShader, shader("ops/cross_entropy.wgsl", crossEntropy)];
const crossEntropyBackwardShaders = [
  eachShader,
  finiteShader,
  logSumExpShader,
  shader("ops/cross_entropy_backward.wgsl", crossEntropyBackward),
];
const embeddingShaders = [eachShader, quotientShader, shader("ops/embedding.wgsl", embedding)];
const scatterShaders = [eachShader, quotientShader, shader("ops/scatter.wgsl", scatter)];

/** One invocation for each row of `x`. */
function eachRow(
  recorder: Recorder,
  shaders: readonly Shader[],
  { shape }: Operand,
  reads: Pass["reads"],
  writes: Pass["writes"],
  more?: Pass["uniform"],
): void {
  dispatchEach(recorder, sizeOf(shape.slice(0, -1)), {
    shaders,
    uniform: { width: shape.at(-1)!, ...more },
    reads,
    writes,
  });
}

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
  implement(softmaxPrimitive, (recorder, [x], [y]) => eachRow(recorder, softmaxShaders, x, { x }, { y })),
  implement(softmaxBackwardPrimitive, (recorder, [y, dy], [dx]) => {
    eachRow(recorder, softmaxBackwardShaders, y, { y, dy }, { dx });
  }),
  implement(layerNormPrimitive, (recorder, [x, scale, shift], [y, n, r], { epsilon }) => {
    eachRow(
      recorder,
      layerNormShaders,
      x,
      { x, scale, shift },
      { y, normalized: n, reciprocals: r },
      { epsilon: f32(epsilon) },
    );
  }),
  implement(layerNormBackwardPrimitive, (recorder, [n, r, scale, dy], [dx, sums]) => {
    eachRow(recorder, layerNormBackwardShaders, n, { normalized: n, reciprocals: r, scale, dy }, { dx });
    const rows = sizeOf(r.shape);
    const chunks = Math.ceil(rows / CHUNK);
    const terms = { ...sums, shape: [chunks, ...sums.shape], block: recorder.scratch(chunks * sizeOf(sums.shape)) };
    const { alias, of, count } = numbersOf(scale.shape[0]);
    dispatchEach(recorder, chunks * count, {
      shaders: [eachShader, quotientShader, alias, layerNormSumsShader],
      constants: { CHUNK },
      uniform: { rows, width: count },
      reads: { normalized: of(n), dy: of(dy) },
      writes: { terms: of(terms) },
    });
    sum(recorder, [terms], [sums], { axes: [0] });
  }),
  implement(crossEntropyPrimitive, (recorder, [x], [losses], { labels }) => {
    eachRow(
      recorder,
      crossEntropyShaders,
      x,
      { x, labels: arrayOf("u32", recorder.upload(labels.values)) },
      { losses },
    );
  }),
  implement(crossEntropyBackwardPrimitive, (recorder, [x, d], [dx], { labels }) => {
    const reads = { x, labels: arrayOf("u32", recorder.upload(labels.values)), d };
    eachRow(recorder, crossEntropyBackwardShaders, x, reads, { dx });
  }),
  implement(embeddingPrimitive, (recorder, [table], [y], { ids }) => {
    dispatchEach(recorder, sizeOf(y.shape), {
      shaders: embeddingShaders,
      uniform: { width: table.shape[1] },
      reads: { table, ids: arrayOf("u32", recorder.upload(ids.values)) },
      writes: { y },
    });
  }),
  implement(scatterPrimitive, (recorder, [dy], [dTable], { ids, rows }) => {
    const { starts, places } = invert(ids.values, rows);
    dispatchEach(recorder, sizeOf(dTable.shape), {
      shaders: scatterShaders,
      uniform: { width: dTable.shape[1] },
      reads: {
        dy,
        starts: arrayOf("u32", recorder.upload(starts)),
        places: arrayOf("u32", recorder.upload(places)),
      },
      writes: { table_gradient: dTable },
    });
  }),
];
