import { safetensors as other } from "@jax-js/loaders";
import { expect, it } from "vitest";
import { encodeSafetensors } from "../../src/index.js";

it("another implementation reads what is written", () => {
  const single = Float32Array.of(0.1, -2, 3e38, 1e-45);
  const bytes = encodeSafetensors({ "a.weight": { shape: [2, 2], data: single }, b: { shape: [], data: [1e300], dtype: "F64" } }, { made: "here" });
  const { tensors, metadata } = other.parse(bytes);
  expect(metadata).toEqual({ made: "here" });
  expect(tensors).toEqual({
    "a.weight": { dtype: "F32", shape: [2, 2], data: single },
    b: { dtype: "F64", shape: [], data: Float64Array.of(1e300) },
  });
});
