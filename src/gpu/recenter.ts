import { sizeOf } from "../core/shape.js";
import { recenterPrimitive } from "../kernels/primitives.js";
import centerText from "../../shaders/ops/center.wgsl";
import recenterText from "../../shaders/ops/recenter.wgsl";
import { finiteShader, quotientShader } from "./elementwise.js";
import { dispatchEach, eachShader, implement, shader } from "./implementation.js";
import type { Block } from "./memory.js";
import { arrayOf, type Binding } from "./pass.js";

const centerShaders = [eachShader, quotientShader, finiteShader, shader("ops/center.wgsl", centerText)];
const recenterShader = shader("ops/recenter.wgsl", recenterText);
const [oneShader, fourShader] = [
  shader("generated (one)", "alias Number = f32;"),
  shader("generated (four)", "alias Number = vec4f;"),
];
/** Rows that an invocation moves: it loads the center once for all. */
const RECENTER_RUN = 16;

export const recenter = implement(recenterPrimitive, (recorder, [q, k], [movedQ, movedK], { exact }) => {
  const [batch, keyHeads, keys, dim] = k.shape as [number, number, number, number];
  const heads = batch * keyHeads;
  const queries = sizeOf(q.shape) / heads / dim;
  const centers = recorder.scratch(heads * dim);
  dispatchEach(recorder, heads * dim, {
    shaders: centerShaders,
    constants: { EXACT: exact ? 1 : 0 },
    uniform: { keys, queries, width: dim },
    reads: { keys: k.block, queries: q.block },
    writes: { centers },
  });
  const wide = dim % 4 === 0;
  const width = wide ? dim / 4 : dim;
  const numbers = (block: Block): Binding => arrayOf("Number", block);
  dispatchEach(recorder, heads * width * Math.ceil((queries + keys) / RECENTER_RUN), {
    shaders: [eachShader, wide ? fourShader : oneShader, recenterShader],
    constants: { RUN: RECENTER_RUN },
    uniform: { width, query_rows: queries, key_rows: keys },
    reads: { queries: numbers(q.block), keys: numbers(k.block), centers: numbers(centers) },
    writes: { moved_queries: numbers(movedQ.block), moved_keys: numbers(movedK.block) },
  });
});
