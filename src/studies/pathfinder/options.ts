import { rateOptions } from "../comparison/rates.js";
import { comparisonOptions, epochOptions, EPOCHS, modelOptions, monitorOption } from "../options.js";
import { oneOf, optionalText, optionalWhole, setting, whole, type Chosen, type Values } from "../runner/options.js";
import { list, optional, real, record, whole as wholeNumber, type Fields } from "../runner/schema.js";
import { kinds } from "./kinds.js";
import type { PathfinderOptions as Picture } from "./picture.js";

/** Options of the loss landscapes: planes for the first seed, lines and Hessian for every seed. */
export interface LandscapeOptions {
  /** Points along each side of the grid. */
  readonly points: number;
  /** Reach of the grid of random directions, in lengths of the filter-normalised directions. */
  readonly radius: number;
  /** Test pictures on which the loss is evaluated. */
  readonly pictures: number;
  /** Random directions along which roughness is measured; the first two span a plane. */
  readonly directions: number;
  /** Products with the Hessian. */
  readonly products: number;
  /** Points of every line along which roughness is measured. */
  readonly linePoints: number;
}

const pixels = real(0, 256);
const wholePixels = wholeNumber(0, 256);
/** Long Range Arena has 200,000 pictures. */
const PICTURES = { least: 8, most: 200_000 };

const pictureFields = {
  size: wholeNumber(8, 256),
  dashes: wholeNumber(2, 256),
  distractorDashes: wholeNumber(0, 65_536),
  dashLength: pixels,
  thickness: pixels,
  contrast: real(0, 1),
  margins: list(wholePixels, 1, 16),
  seedDistance: wholePixels,
  padding: wholePixels,
  continuity: real(0, 100),
  dotRadius: pixels,
  balance: real(0, Infinity),
} as const satisfies Fields<Picture>;

const landscapeFields = {
  points: wholeNumber(3, 1001),
  radius: real(0, 1000),
  pictures: wholeNumber(PICTURES.least, PICTURES.most),
  directions: wholeNumber(2, 1000),
  products: wholeNumber(1, 10_000),
  linePoints: wholeNumber(3, 10_001),
} as const satisfies Fields<LandscapeOptions>;

const { kernels } = comparisonOptions(["softmax", "gaussian"], 5, "");

/** Epochs of the first stage, unless chosen: half of the default. */
export const FIRST_EPOCHS = 2;

const EASY = "easy";

export const pathfinderOptions = {
  scale: oneOf("quick", ["quick", "full"]),
  difficulty: oneOf<string>(EASY, Object.keys(kinds), {
    help: "kind of pictures: easy, or pixels of a side and dashes of a contour",
  }),
  dots: oneOf("balanced", ["balanced", "original"], {
    help: "balanced: the dots' positions do not predict the label; original: as published, where they do",
  }),
  /** Follows from the two above. */
  picture: setting<Picture>(kinds[EASY], record(pictureFields)),
  /** Side of the square patches that are tokens; 1 makes every pixel a token. */
  patch: whole(16, { least: 1, most: 256, help: "side of a patch in pixels" }),
  kernels,
  seeds: whole(5, {
    least: 0,
    most: 1000,
    help: "seeds of pictures, starts and orders; 0 only draws samples of every kind",
  }),
  train: whole(16_000, { ...PICTURES, flag: "examples", help: "pictures to train on" }),
  test: whole(512, PICTURES),
  ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
  ...epochOptions({ batch: 64, epochs: 4 }),
  ...rateOptions([0.0003, 0.001, 0.003], 2),
  firstKernel: optionalText({
    argument: "name",
    help: "two stages: every kernel goes on from what this one of the kernels trained",
  }),
  firstEpochs: optionalWhole({
    least: 1,
    most: EPOCHS.most,
    help: `epochs of the first of two stages (default: ${FIRST_EPOCHS})`,
  }),
  monitor: monitorOption,
  landscape: setting<LandscapeOptions | undefined>(
    { points: 11, radius: 1, pictures: 64, directions: 6, products: 12, linePoints: 21 },
    optional(record(landscapeFields)),
  ),
};

export type PathfinderOptions = Values<typeof pathfinderOptions>;

/** The pictures of the chosen kind. */
export function pictureOf({ difficulty = EASY, dots }: Chosen<typeof pathfinderOptions>): Picture {
  return dots === "original" ? { ...kinds[difficulty], balance: Infinity } : kinds[difficulty];
}

/**
 * The encoder of arXiv 2411.07538 on the pixels of 32 × 32 pictures, 1024 tokens, as in Long Range Arena, arXiv
 * 2011.04006.
 */
export const full: Chosen<typeof pathfinderOptions> = {
  scale: "full",
  difficulty: "32-14",
  patch: 1,
  train: 40_000,
  test: 4000,
  width: 64,
  hidden: 128,
  batch: 128,
  epochs: 60,
  monitor: 1000,
};
