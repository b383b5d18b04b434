import { afterEach, describe, expect, it } from "vitest";
import {
  attention,
  causal,
  decode,
  DeviceError,
  DeviceLostError,
  gaussian,
  indices,
  keyValueCache,
  ops,
  random,
  requestGpu,
  softmax,
  valueAndGrad,
  type GpuOptions,
  type Tensor,
} from "../../src/index.js";
import { adam, encoder } from "../../src/nn/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { errorOf, sized, within } from "../support/attack.js";
import { adapterHas } from "../support/gpu.js";

/** What a moment may use; `destroy` takes the device away, as a driver that resets does. */
interface Scene {
  readonly gpu: Gpu;
  readonly destroy: () => void;
}

/**
 * What a moment leaves: tensors that nobody may read numbers from, and reads under way, which may have been in time.
 */
interface Left {
  readonly dead?: readonly Tensor[];
  readonly underWay?: readonly { readonly read: Promise<ArrayLike<number>>; readonly wanted: readonly number[] }[];
}

type Moment = (scene: Scene) => Left | Promise<Left>;

const heads = (gpu: Gpu): { q: Tensor; k: Tensor; v: Tensor } => {
  const x = gpu.tensor(random(3).normals(24), [1, 2, 4, 3]);
  return { q: x, k: x, v: x };
};

const model = encoder({ kernel: softmax(), vocabulary: 9, classes: 2, tokens: 4, width: 8, hidden: 8, layers: 1 });
const [ids, labels] = [indices([0, 1, 2, 3, 4, 5, 6, 7], [2, 4]), indices([0, 1])];

/** A training step, with the device taken away before its given part. */
function trainingStep({ gpu, destroy }: Scene, part: "forward" | "update" | "end"): Left {
  const parameters = model.initialize(gpu, random(5));
  const optimizer = adam({ learningRate: 0.01 });
  const { value, gradients } = valueAndGrad((p) => {
    const logits = model.apply(p, ids);
    if (part === "forward") destroy();
    return ops.crossEntropy(logits, labels);
  }, parameters);
  if (part === "update") destroy();
  optimizer.step(parameters, gradients);
  if (part === "end") destroy();
  return { dead: [value, gradients.embedding, parameters.embedding, parameters.classifier.bias] };
}

/** The device goes at this moment; calls after it in the same turn do not know yet. */
const moments: Readonly<Record<string, Moment>> = {
  "before a tensor is made": ({ gpu, destroy }) => {
    destroy();
    return { dead: [gpu.tensor([1, 2]), gpu.full(3, [2])] };
  },
  "after a tensor was made": ({ gpu, destroy }) => {
    const a = gpu.tensor([1, 2]);
    destroy();
    return { dead: [a] };
  },
  "between operations that were queued": ({ gpu, destroy }) => {
    const a = ops.exp(gpu.tensor([1, 2]));
    destroy();
    return { dead: [a, ops.add(a, 1)] };
  },
  "after the device has done everything": async ({ gpu, destroy }) => {
    const a = ops.exp(gpu.tensor([1, 2]));
    await gpu.finish();
    destroy();
    return { dead: [a] };
  },
  "after a read": async ({ gpu, destroy }) => {
    const a = gpu.tensor([1, 2]);
    await a.read();
    destroy();
    return { dead: [a, gpu.tensor([1])] };
  },
  "while memory is being mapped": ({ gpu, destroy }) => {
    const a = gpu.tensor([1, 2]);
    const read = a.read();
    destroy();
    return { dead: [a], underWay: [{ read, wanted: [1, 2] }] };
  },
  "while many reads are under way": async ({ gpu, destroy }) => {
    const tensors = Array.from({ length: 40 }, (_, at) => gpu.full(at, [1]));
    const underWay = tensors.map((tensor, at) => ({ read: tensor.read(), wanted: [at] }));
    await Promise.resolve();
    destroy();
    return { dead: tensors, underWay };
  },
  "while the queue is being finished": async ({ gpu, destroy }) => {
    const a = ops.exp(gpu.tensor([1, 2]));
    const finished = errorOf(() => gpu.finish());
    destroy();
    const error = await within("finish", finished);
    if (error !== undefined) expect(error).toBeInstanceOf(DeviceError);
    return { dead: [a] };
  },
  "in a scope": ({ gpu, destroy }) => {
    const kept = gpu.scope(() => {
      const a = ops.exp(gpu.tensor([1, 2]));
      destroy();
      return ops.multiply(a, a);
    });
    return { dead: [kept] };
  },
  "in an attention that compiles": ({ gpu, destroy }) => {
    const inputs = heads(gpu);
    const first = attention(gaussian({ gamma: 0.5 }), inputs, { mask: causal() });
    destroy();
    return { dead: [first, attention(softmax(), inputs)] };
  },
  "in a profile": async ({ gpu, destroy }) => {
    const a = gpu.tensor([1, 2]);
    if (!gpu.hasTimestamps) destroy();
    else {
      const error = await within(
        "profile",
        errorOf(() =>
          gpu.profile(() => {
            ops.exp(a);
            destroy();
            ops.exp(a);
          }),
        ),
      );
      expect(error).toBeInstanceOf(DeviceError);
    }
    return { dead: [a] };
  },
  "in the forward pass of a training step": (scene) => trainingStep(scene, "forward"),
  "before an optimiser's step": (scene) => trainingStep(scene, "update"),
  "after a training step": (scene) => trainingStep(scene, "end"),
  "between tokens that are decoded": ({ gpu, destroy }) => {
    const cache = keyValueCache(gpu, softmax(), { batch: 1, kvHeads: 2, capacity: 8, dim: 3 });
    const first = decode(cache, heads(gpu));
    destroy();
    return { dead: [first, decode(cache, heads(gpu)), cache.values] };
  },
};

const places: readonly (readonly [string, GpuOptions, boolean])[] = [
  ["the adapter", {}, await adapterHas(() => true)],
  ["the null backend", { dawn: ["backend=null"] }, true],
];

describe.each(places)("a device of %s that is lost", (_, options, available) => {
  let scene: Scene | undefined;
  afterEach(() => scene?.gpu.dispose());

  describe.runIf(available).each(Object.entries(moments))("%s", (_title, moment) => {
    it("rejects every read afterwards, and leaves other devices alone", async () => {
      for (let round = 0; round < sized(1, 10); round++) {
        const device = await openDevice(options);
        scene = { gpu: new Gpu(device, true), destroy: () => device.destroy() };
        const { gpu } = scene;
        let left: Left = {};
        const thrown = await errorOf(async () => (left = await moment(scene!)));
        if (thrown !== undefined) expect(thrown).toBeInstanceOf(DeviceLostError);
        for (const { read, wanted } of left.underWay ?? []) {
          await within(
            "a read under way",
            read.then(
              (numbers) => expect(Array.from(numbers)).toEqual(wanted),
              (error: unknown) => expect(error).toBeInstanceOf(DeviceError),
            ),
          );
        }
        for (let again = 0; again < 2; again++) {
          for (const tensor of left.dead ?? [])
            expect(
              await within(
                "a read",
                errorOf(() => tensor.read()),
              ),
            ).toBeInstanceOf(DeviceError);
        }
        await within("the loss", device.lost);
        for (const tensor of left.dead ?? [])
          expect(
            await within(
              "a later read",
              errorOf(() => tensor.read()),
            ),
          ).toBeInstanceOf(DeviceLostError);
        expect(
          await within(
            "a new tensor",
            errorOf(() => gpu.tensor([1]).read()),
          ),
        ).toBeInstanceOf(DeviceLostError);
        expect(
          await within(
            "finish",
            errorOf(() => gpu.finish()),
          ),
        ).toBeInstanceOf(DeviceLostError);
        for (const tensor of left.dead ?? []) tensor.dispose();
        gpu.dispose();
        gpu.dispose();
      }
      using other = await requestGpu(options);
      const alive = ops.add(other.tensor([1]), 1);
      expect(
        await within(
          "a read of another device",
          alive.read().then((numbers) => numbers.length),
        ),
      ).toBe(1);
    });
  });
});
