import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { spamAssassin } from "../../src/studies/corpus/corpus.js";

it("reads every mail of the SpamAssassin corpus without its headers", async () => {
  const { examples, tokenize } = await spamAssassin();
  expect(examples.length).toBe(6046);
  expect(examples.filter(({ label }) => label === "spam").length).toBe(1896);
  // quoted mails
  expect(examples.filter(({ text }) => /^(Received|Return-Path|X-Spam-\w+):/m.test(text)).length).toBeLessThan(60);
  expect(examples.filter(({ text }) => text.trim() === "").length).toBeLessThan(30);
  // the published results of the studies come from these 1,922,751 words
  const words = examples.map(({ text }) => tokenize!(text, Infinity));
  expect(createHash("sha256").update(JSON.stringify(words)).digest("hex")).toBe(
    "60cdeba6c1a1a12e0c647ac14f47eca2a83790f5e159b3e9143d8a27b8c91a80",
  );
});
