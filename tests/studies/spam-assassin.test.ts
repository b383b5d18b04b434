import { expect, it } from "vitest";
import { spamAssassin } from "../../src/studies/corpus/corpus.js";

it("reads every mail of the SpamAssassin corpus without its headers", async () => {
  const { examples } = await spamAssassin();
  expect(examples.length).toBe(6046);
  expect(examples.filter(({ label }) => label === "spam").length).toBe(1896);
  expect(examples.filter(({ text }) => /^(Received|Return-Path|X-Spam-\w+):/m.test(text)).length).toBeLessThan(60); // quoted mails
  expect(examples.filter(({ text }) => text.trim() === "").length).toBeLessThan(30);
});
