import { vi } from "vitest";
import { shaderText } from "../../scripts/shader-text.mjs";
import type { Shader } from "../../src/index.js";
import type { Pass } from "../../src/gpu/pass.js";
import { Queue } from "../../src/gpu/queue.js";

/** The functions of `shaders/lib/matrix.wgsl` without subgroup matrices: plain sums, for adapters that have none. */
const plain: Shader = {
  file: "lib/matrix.wgsl (plain)",
  enables: ["subgroups"],
  text: shaderText(`
    struct Matrix { at: u32, stride: u32 }
    struct Subgroup { number: u32, count: u32 }
    fn multiply_transposed(own: Subgroup, c: Matrix, a: Matrix, b: Matrix, rows: u32, columns: u32, inner: u32) {
      for (var e = lane; e < rows * columns; e += LANES) {
        let row = e / columns;
        let column = e % columns;
        var sum = 0.0;
        for (var k = 0u; k < inner; k++) {
          sum += f32(halves[a.at + row * a.stride + k]) * f32(halves[b.at + column * b.stride + k]);
        }
        floats[c.at + row * c.stride + column] = sum;
      }
    }
    fn add_product(own: Subgroup, c: Matrix, a: Matrix, b: Matrix, rows: u32, columns: u32, inner: u32) {
      for (var e = lane; e < rows * columns; e += LANES) {
        let row = e / columns;
        let column = e % columns;
        var sum = floats[c.at + row * c.stride + column];
        for (var k = 0u; k < inner; k++) {
          sum += f32(halves[a.at + row * a.stride + k]) * f32(halves[b.at + k * b.stride + column]);
        }
        floats[c.at + row * c.stride + column] = sum;
      }
    }`),
};

const dispatch: (this: Queue, pass: Pass) => void = Reflect.get(Queue.prototype, "dispatch");

export const matrixPasses = ["forward", "backward_query", "backward_key_value"].map(
  (pass) => `passes/${pass}_matrix.wgsl`,
);

/** The files of every pass that was dispatched; where `emulate` is set, matrices are multiplied by plain sums. */
export function watchPasses({ emulate = false } = {}): Set<string> {
  const seen = new Set<string>();
  vi.spyOn(Queue.prototype, "dispatch").mockImplementation(function (this: Queue, pass: Pass) {
    for (const { file } of pass.shaders) seen.add(file);
    const shaders = emulate
      ? pass.shaders.map((shader) => (shader.file === "lib/matrix.wgsl" ? plain : shader))
      : pass.shaders;
    dispatch.call(this, { ...pass, shaders });
  });
  return seen;
}
