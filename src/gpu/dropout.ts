import { dropoutPrimitive } from "../autograd/dropout.js";
import { sizeOf } from "../core/shape.js";
import dropoutText from "../../shaders/ops/dropout.wgsl";
import { finiteShader } from "./elementwise.js";
import { dispatchEach, eachShader, implement, shader } from "./implementation.js";
import { f32 } from "./pass.js";

const shaders = [eachShader, finiteShader, shader("ops/dropout.wgsl", dropoutText)];

export const dropout = implement(dropoutPrimitive, (recorder, [x], [y], { key, threshold, scale }) =>
  dispatchEach(recorder, sizeOf(x.shape), {
    shaders,
    uniform: { key, threshold, scale: f32(scale) },
    reads: { x },
    writes: { y },
  }),
);
