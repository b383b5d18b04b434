import { sizeOf } from "../core/shape.js";
import { recenterPrimitive } from "../kernels/primitives.js";
import centerText from "../../shaders/ops/center.wgsl";
import recenterText from "../../shaders/ops/recenter.wgsl";
import { finiteShader, quotientShader } from "./elementwise.js";
import { dispatchEach, eachShader, implement, numbersOf, shader } from "./implementation.js";

const centerShaders = [eachShader, quotientShader, finiteShader, shader("ops/center.wgsl", centerText)];
const recenterShader = shader("ops/recenter.wgsl", recenterText);
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
  const { alias, of, count } = numbersOf(dim);
  dispatchEach(recorder, heads * count * Math.ceil((queries + keys) / RECENTER_RUN), {
    shaders: [eachShader, alias, recenterShader],
    constants: { RUN: RECENTER_RUN },
    uniform: { width: count, query_rows: queries, key_rows: keys },
    reads: { queries: of(q), keys: of(k), centers: of(centers) },
    writes: { moved_queries: of(movedQ), moved_keys: of(movedK) },
  });
});
