import { describe, expect, it } from "vitest";
import { ArgumentError, DataError } from "../../src/index.js";
import { findAttention, readProjection, type FindOptions } from "../../src/weights/index.js";
import { across, entry, fusedAcross, matrix, open, stored } from "../support/stored-layers.js";

describe("a layout by hand", () => {
  const own = (l: number) => ({
    [`blocks.${l}.mix.wq`]: matrix(l, "query", 4, 6),
    [`blocks.${l}.mix.wk`]: matrix(l, "key", 4, 6),
  });

  it("is needed where no name is known, and the error lists names that look like projections", async () => {
    const weights = await open({ ...own(0), ...own(1), "blocks.0.mlp.weight": stored([5, 6], () => 0) });
    const failure = (): unknown => findAttention(weights);
    expect(failure).toThrow(DataError);
    expect(failure).toThrow(
      /projections: "blocks\.\{\}\.mix\.wq" \[4, 6\], "blocks\.\{\}\.mix\.wk" \[4, 6\]\. Name them by query and key/,
    );
    expect(failure).not.toThrow(/mlp|--/);
  });

  it.each([
    ["blocks.{}.mix.wq", "blocks.{}.mix.wk"],
    ["mix.wq", "mix.wk"],
  ])("finds %s", async (query, key) => {
    const weights = await open({ ...own(1), ...own(0) });
    const attention = findAttention(weights, { query, key });
    expect(attention.layers.map((layer) => layer.key.names)).toEqual([["blocks.0.mix.wk"], ["blocks.1.mix.wk"]]);
    expect((await readProjection(weights, attention, 1, "key"))[3][5]).toBe(entry(1, "key", 3, 5));
  });

  it("says how matrices are stored, fused ones and one per head", async () => {
    const both = { "a.0.x": across(0, "query", 6, 6), "a.0.y": across(0, "key", 6, 6), "a.0.f": fusedAcross(0, 6, 6) };
    const weights = await open({ ...both, "a.0.h.1.q": stored([2, 6], () => 1), "a.0.h.1.k": stored([2, 6], () => 1) });
    for (const options of [{ query: "a.{}.x", key: "a.{}.y", transposed: true }, { fused: "a.{}.f" }]) {
      const attention = findAttention(weights, options);
      expect((await readProjection(weights, attention, 0, "key"))[3][5]).toBe(entry(0, "key", 3, 5));
    }
    const perHead = findAttention(weights, { query: "h.{head}.q", key: "h.{head}.k" });
    expect(perHead.layers[0]).toMatchObject({ heads: 1, query: { rows: 2, columns: 6 } });
  });

  it.each([
    [{ query: "a" }, /wanted query and key together/],
    [{ query: "a", key: "b", fused: "c" }, /got query, key, fused/],
    [{ transposed: true }, /transposed only with these/],
    [{ heads: 3 }, /heads: wanted one of its options/],
  ])("refuses %j", async (options, message) => {
    const weights = await open(own(0));
    expect(() => findAttention(weights, options as FindOptions)).toThrow(message);
    expect(() => findAttention(weights, options as FindOptions)).toThrow(ArgumentError);
  });

  it("that fits nothing lists the names too; a file without matrices says so", async () => {
    const weights = await open(own(0));
    expect(() => findAttention(weights, { query: "no.{}", key: "nor.{}" })).toThrow(
      /wanted tensors named "no\.\{\}", "nor\.\{\}", got names that look like projections: "blocks/,
    );
    const bare = await open({ x: stored([1], () => 0) });
    expect(() => findAttention(bare)).toThrow(/got 1 tensors, none of them a matrix/);
  });
});
