import { expect, it } from "vitest";
import { fromHalves, roundToHalf, toHalves } from "../../src/core/half.js";

const everyPattern = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits);

it("every float16 comes back as the same bits, but for the many NaNs", () => {
  const values = fromHalves(everyPattern);
  const back = toHalves(values);
  for (const bits of everyPattern) {
    if (!Number.isNaN(values[bits])) expect(back[bits]).toBe(bits);
  }
});

it.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [0.1, 0x2e66],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e9, 0xfc00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000], // a tie, to even
  [2 ** -25 * 1.000001, 0x0001],
  [-0, 0x8000],
  [1 + 2 ** -11, 0x3c00], // a tie, to even
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -52, 0x4000],
  [0.00006103515625, 0x0400],
])("%d is the pattern %d of IEEE 754", (value, bits) => {
  expect(toHalves([value])[0]).toBe(bits);
});

it("rounds to a nearest one", () => {
  const finite = fromHalves(everyPattern.filter((bits) => bits < 0x7c00));
  for (let index = 0; index + 1 < finite.length; index++) {
    const [low, high] = [finite[index], finite[index + 1]];
    for (const part of [0.01, 0.49, 0.51, 0.99])
      expect(roundToHalf(low + part * (high - low))).toBe(part < 0.5 ? low : high);
  }
});
