import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  attention,
  booleanMask,
  causal,
  cpu,
  decode,
  keyValueCache,
  ops,
  random,
  softmax,
  type AttentionInputs,
  type AttentionOptions,
  type Backend,
  type Shape,
  type Tensor,
} from "../../src/index.js";
import { describeGpu } from "../support/gpu.js";
import { encodeModel } from "../support/onnx-files.js";

// An independent implementation: ONNX's Attention operator (opset 23) as onnxruntime computes it, in float32 on the
// CPU.

const [FLOAT, BOOL] = [1, 9];
const [FLOAT_ATTRIBUTE, INT_ATTRIBUTE] = [1, 2];

interface Case {
  readonly q: Shape;
  readonly k: Shape;
  readonly v: Shape;
  readonly mask?: Shape;
  readonly booleans?: true;
  /** Keys and values of earlier tokens: how many. */
  readonly past?: number;
  readonly causal?: true;
  readonly softcap?: number;
  readonly scale?: number;
}

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const numbers = (seed: number, shape: Shape): Float32Array => Float32Array.from(random(seed).normals(size(shape)));

function pastShapes({ k, v, past = 0 }: Case): [Shape, Shape] {
  return [
    [k[0], k[1], past, k[3]],
    [v[0], v[1], past, v[3]],
  ];
}

/** The operator's inputs by name, in its order; the same numbers go to our side. */
function inputsOf(testCase: Case): Record<string, { readonly data: Float32Array | Uint8Array; readonly shape: Shape }> {
  const { q, k, v, mask, booleans, past } = testCase;
  const [pastKey, pastValue] = pastShapes(testCase);
  const random32 = (seed: number, shape: Shape): { data: Float32Array; shape: Shape } => ({
    data: numbers(seed, shape),
    shape,
  });
  const masking =
    mask &&
    (booleans
      ? { data: Uint8Array.from(numbers(4, mask), (x) => (x > -0.5 ? 1 : 0)), shape: mask }
      : random32(4, mask));
  return {
    Q: random32(1, q),
    K: random32(2, k),
    V: random32(3, v),
    ...(masking ? { attn_mask: masking } : {}),
    ...(past === undefined ? {} : { past_key: random32(5, pastKey), past_value: random32(6, pastValue) }),
  };
}

async function onnxAttention(testCase: Case): Promise<ArrayLike<number>> {
  const inputs = inputsOf(testCase);
  const { q, k, v, past, scale, softcap } = testCase;
  const info = (name: string, shape: Shape, elemType: number): unknown => ({
    name,
    type: { tensorType: { elemType, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  });
  const attribute = (name: string, value: number, type: number): unknown => ({
    name,
    type,
    ...(type === INT_ATTRIBUTE ? { i: value } : { f: value }),
  });
  const typeOf = (data: Float32Array | Uint8Array): number => (data instanceof Uint8Array ? BOOL : FLOAT);
  const order = ["Q", "K", "V", "attn_mask", "past_key", "past_value"].map((name) => (name in inputs ? name : ""));
  while (order.at(-1) === "") order.pop();
  const model = {
    irVersion: 10,
    opsetImport: [{ domain: "", version: 23 }],
    graph: {
      name: "attention",
      node: [
        {
          opType: "Attention",
          input: order,
          output: past === undefined ? ["Y"] : ["Y", "present_key", "present_value"],
          attribute: [
            ...(testCase.causal ? [attribute("is_causal", 1, INT_ATTRIBUTE)] : []),
            ...(softcap === undefined ? [] : [attribute("softcap", softcap, FLOAT_ATTRIBUTE)]),
            ...(scale === undefined ? [] : [attribute("scale", scale, FLOAT_ATTRIBUTE)]),
          ],
        },
      ],
      input: Object.entries(inputs).map(([name, { data, shape }]) => info(name, shape, typeOf(data))),
      output: [
        info("Y", [q[0], q[1], q[2], v[3]], FLOAT),
        ...(past === undefined
          ? []
          : [
              info("present_key", [k[0], k[1], past + k[2], k[3]], FLOAT),
              info("present_value", [v[0], v[1], past + v[2], v[3]], FLOAT),
            ]),
      ],
    },
  };
  const session = await InferenceSession.create(encodeModel(model));
  const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [
    name,
    new OnnxTensor(data instanceof Uint8Array ? "bool" : "float32", data as never, [...shape]),
  ]);
  const { Y } = await session.run(Object.fromEntries(feeds) as Record<string, OnnxTensor>);
  await session.release();
  return Y.data as Float32Array;
}

/** Ours, on the same numbers. */
function ours(backend: Backend, testCase: Case): Tensor {
  const inputs = inputsOf(testCase);
  const tensor = (name: string): Tensor => backend.tensor(inputs[name].data, inputs[name].shape);
  const { mask, booleans, past, softcap, scale } = testCase;
  const kernel = softmax({ scale });
  const [q, k, v] = ["Q", "K", "V"].map(tensor);
  if (past !== undefined) {
    const capacity = past + k.shape[2];
    const cache = keyValueCache(backend, kernel, {
      batch: k.shape[0],
      kvHeads: k.shape[1],
      capacity,
      dim: k.shape[3],
      valueDim: v.shape[3],
    });
    const [pastKey, pastValue] = [tensor("past_key"), tensor("past_value")];
    decode(cache, { q: backend.full(0, [q.shape[0], q.shape[1], past, q.shape[3]]), k: pastKey, v: pastValue });
    return decode(cache, { q, k, v }, { softcap });
  }
  const full = (shape: Shape): Shape => [...new Array<number>(4 - shape.length).fill(1), ...shape];
  const options: AttentionOptions = {
    softcap,
    mask: testCase.causal ? causal() : mask && booleans ? booleanMask(inputs["attn_mask"].data, full(mask)) : undefined,
    bias: mask && !booleans ? ops.reshape(tensor("attn_mask"), full(mask)) : undefined,
  };
  return attention(kernel, { q, k, v } satisfies AttentionInputs, options);
}

const plain = { q: [2, 4, 33, 16], k: [2, 4, 40, 16], v: [2, 4, 40, 12] } as const;
const cases: Readonly<Record<string, Case>> = {
  "cross-attention, d ≠ dv": plain,
  "a scale": { ...plain, scale: 0.7 },
  causal: { ...plain, causal: true },
  "an additive mask": { ...plain, mask: [33, 40] },
  "an additive mask for every head": { ...plain, mask: [2, 4, 33, 40] },
  "a boolean mask": { ...plain, mask: [2, 1, 33, 40], booleans: true },
  softcap: { ...plain, softcap: 0.8 },
  "grouped heads": { ...plain, k: [2, 2, 40, 16], v: [2, 2, 40, 12] },
  "one key head": { ...plain, k: [2, 1, 40, 16], v: [2, 1, 40, 12], causal: true },
  "past keys and values": { q: [2, 4, 1, 16], k: [2, 2, 1, 16], v: [2, 2, 1, 12], past: 300 },
  "past keys and values, three new tokens, causal": {
    q: [2, 4, 3, 16],
    k: [2, 4, 3, 16],
    v: [2, 4, 3, 12],
    past: 30,
    causal: true,
  },
};

async function expectSame(backend: Backend, testCase: Case): Promise<void> {
  const [actual, wanted] = [await ours(backend, testCase).read(), await onnxAttention(testCase)];
  expect(actual.length).toBe(wanted.length);
  Array.from(wanted).forEach((value, index) => expect(Math.abs(actual[index] - value)).toBeLessThan(2 ** -18));
}

describe("softmax attention is onnxruntime's Attention operator, on the CPU", () => {
  it.each(Object.entries(cases))("%s", (_title, testCase) => expectSame(cpu, testCase));
});

describeGpu("softmax attention is onnxruntime's Attention operator, on the GPU", (gpu) => {
  it.each(Object.entries(cases))("%s", (_title, testCase) => expectSame(gpu(), testCase));
});
