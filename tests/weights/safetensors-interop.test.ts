import { readFileSync } from "node:fs";
import { safetensors as other } from "@jax-js/loaders";
import { expect, it } from "vitest";
import { encodeSafetensors, openSafetensors } from "../../src/weights/index.js";

it("another implementation reads what is written", () => {
  const single = Float32Array.of(0.1, -2, 3e38, 1e-45);
  const bytes = encodeSafetensors(
    { "a.weight": { shape: [2, 2], data: single }, b: { shape: [], data: [1e300], dtype: "F64" } },
    { made: "here" },
  );
  const { tensors, metadata } = other.parse(bytes);
  expect(metadata).toEqual({ made: "here" });
  expect(tensors).toEqual({
    "a.weight": { dtype: "F32", shape: [2, 2], data: single },
    b: { dtype: "F64", shape: [], data: Float64Array.of(1e300) },
  });
});

const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../support/${name}.safetensors`, import.meta.url)));

it("what another implementation wrote is read: @genai-fi/nanogpt 1.3.0, float32 and float16", async () => {
  const { tensors, read } = await openSafetensors(fixture("nanogpt"));
  expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ["encoder.weight", "F32", [2, 3]],
    ["bias", "F32", [1]],
  ]);
  expect(await read("encoder.weight")).toEqual(Float32Array.of(0.1, -2, 3e38, 1e-40, 5, 6));
  expect(await read("bias")).toEqual(Float32Array.of(1.5));
  const half = await openSafetensors(fixture("nanogpt-half"));
  expect(await half.read("half")).toEqual(Float32Array.of(0.0999755859375, 65504, -0.5));
});
