import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AttentionKernelsError, cpu, ops, requestGpu, type Backend, type Gpu, type Tensor } from "../../src/index.js";
import { isTensor } from "../../src/core/is-tensor.js";
import { tensorsIn } from "../../src/core/tensor.js";
import { mapTree } from "../../src/core/tree.js";
import { drawn, errorOf, sized } from "../support/attack.js";
import { operations, all } from "../support/tensor-calls.js";

it("is about every operation", () => {
  expect(Object.keys(operations).sort()).toEqual(Object.keys(ops).sort());
});

// What is refused is refused before the device hears of it, so the one that computes nothing will do.
const nullBackend = { dawn: ["backend=null"] };
let [first, second]: Gpu[] = [];
beforeAll(async () => {
  [first, second] = [await requestGpu(nullBackend), await requestGpu(nullBackend)];
});
afterAll(() => {
  first.dispose();
  second.dispose();
});

/** Runs a call; gives back its error, and undefined where it succeeds with living tensors. */
async function outcome(home: Backend, body: () => unknown): Promise<unknown> {
  const judge = (result: unknown): void => {
    // a call that has nothing to do gives its argument back, as it is
    for (const tensor of tensorsIn(result)) tensor.memory("the result");
  };
  if (home.name === "cpu") return errorOf(async () => judge(await body()));
  return errorOf(() => home.scope(() => judge(body())));
}

describe.each(Object.entries(all))("%s", (name, { make, run, only }) => {
  it("refuses disposed tensors and those of another backend, one at a time, and works without", async () => {
    for (const [home, strangers] of [
      [cpu, [first]],
      [first, [second, cpu]],
    ] as const) {
      if (only !== undefined && home.name !== only) continue;
      let count = 0;
      const good = await outcome(home, () => {
        const tensors = make(home);
        count = tensorsIn(tensors).length;
        return run(tensors as never);
      });
      expect(good).toBeUndefined();
      const before = first.memory.used;

      /** With tensor `at` replaced. */
      const refused = async (at: number, replace: (tensor: Tensor) => Tensor): Promise<void> => {
        const error = await outcome(home, () => {
          let index = -1;
          return run(mapTree(make(home), isTensor, (tensor) => (++index === at ? replace(tensor) : tensor)) as never);
        });
        expect(error, `tensor ${at} on ${home.name}`).toBeInstanceOf(AttentionKernelsError);
        if (home === first) expect(first.memory.used, `memory after tensor ${at}`).toBe(before);
      };

      const stream = drawn(name);
      const places = Array.from({ length: count }, (_, at) => at).filter(
        () => count <= 4 || stream.uniform() < sized(0.3, 1),
      );
      for (const at of places) {
        await refused(at, (tensor) => {
          tensor.dispose();
          return tensor;
        });
        if (count === 1) continue;
        for (const stranger of strangers) await refused(at, ({ shape }) => stranger.full(1, shape));
      }
    }
  });
});
