// Forward only, as onnxruntime has no gradients. The CPU has the operator Attention. WebGPU lacks it, and takes plain
// operations or the fused operator of com.microsoft.
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import protobuf from "protobufjs/light.js";
import { swapped } from "./layout.mjs";

const schema = protobuf.Root.fromJSON(
  JSON.parse(readFileSync(new URL("../../tests/support/onnx.json", import.meta.url), "utf8")),
);
const FLOAT = 1;
const [INT, INTS] = [2, 7];

const info = (name, shape) => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

function modelOf(node, shapes, output) {
  const graph = {
    name: "attention",
    node,
    input: Object.entries(shapes).map(([name, shape]) => info(name, shape)),
    output: [info("out", output)],
  };
  const type = schema.lookupType("Model");
  const opsetImport = [
    { domain: "", version: 23 },
    { domain: "com.microsoft", version: 1 },
  ];
  return type.encode(type.fromObject({ irVersion: 10, opsetImport, graph })).finish();
}

const operator = (isCausal) => [
  {
    opType: "Attention",
    input: ["q", "k", "v"],
    output: ["out"],
    attribute: [{ name: "is_causal", type: INT, i: isCausal ? 1 : 0 }],
  },
];
const decomposed = [
  { opType: "Transpose", input: ["k"], output: ["kt"], attribute: [{ name: "perm", type: INTS, ints: [0, 1, 3, 2] }] },
  { opType: "MatMul", input: ["q", "kt"], output: ["products"] },
  { opType: "Mul", input: ["products", "scale"], output: ["scores"] },
  { opType: "Softmax", input: ["scores"], output: ["weights"] },
  { opType: "MatMul", input: ["weights", "v"], output: ["out"] },
];
const fused = (heads) => [
  {
    opType: "MultiHeadAttention",
    domain: "com.microsoft",
    input: ["q", "k", "v"],
    output: ["out"],
    attribute: [{ name: "num_heads", type: INT, i: heads }],
  },
];

export async function open({ device }) {
  const [provider, form] = device.split(" ");
  const session = (model) =>
    InferenceSession.create(model, {
      executionProviders: [provider],
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: provider === "cpu" ? "0" : "1" } },
    });
  const feed = (data, shape) => new Tensor("float32", data, shape);
  const prepared = async (node, feeds, output) => {
    const opened = await session(
      modelOf(node, Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims])), output),
    );
    return async () => (await opened.run(feeds)).out.data;
  };
  return {
    async attention({ q, k, v, shape }) {
      const [batch, heads, tokens, dim] = shape;
      if (form === "fused") {
        const flat = [batch, tokens, heads * dim];
        const feeds = Object.fromEntries(
          Object.entries({ q, k, v }).map(([name, data]) => [name, feed(swapped(data, shape), flat)]),
        );
        const run = await prepared(fused(heads), feeds, flat);
        return { toOurs: (data) => swapped(data, shape, true), forward: async () => [await run()] };
      }
      const feeds = { q: feed(q, shape), k: feed(k, shape), v: feed(v, shape) };
      if (provider === "webgpu") {
        const run = await prepared(
          decomposed,
          { ...feeds, scale: feed(Float32Array.of(1 / Math.sqrt(dim)), [1]) },
          shape,
        );
        return { forward: async () => [await run()] };
      }
      const [full, causal] = [
        await prepared(operator(false), feeds, shape),
        await prepared(operator(true), feeds, shape),
      ];
      return { forward: async () => [await full()], causal: async () => [await causal()] };
    },
  };
}
