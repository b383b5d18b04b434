import { encoderFields, comparisonFields } from "../limits.js";
import { oneOf, optional, real, record, whole, type Fields } from "../runner/schema.js";
import type { EncoderSettings } from "../training/train.js";
import { difficulties, type Difficulty } from "./difficulty.js";
import type { PathfinderOptions } from "./scene.js";

/** Loss landscapes of the models of the first seed. */
export interface LandscapeConfiguration {
  /** Points of a side of the grid. */
  readonly points: number;
  /** The grid of random directions reaches this far, in lengths of the filter-normalised directions. */
  readonly radius: number;
  /** Test pictures on which the loss is evaluated. */
  readonly pictures: number;
  /** Products with the Hessian. */
  readonly products: number;
  /** Points of every line along which roughness is measured. */
  readonly linePoints: number;
}

/** The encoder on pictures, every kernel with the same pictures, start, batches and steps for a seed. */
export interface PathfinderConfiguration extends EncoderSettings {
  readonly scale: "quick" | "full";
  readonly difficulty: Difficulty;
  readonly picture: PathfinderOptions;
  /** Side of the square patches that are tokens, in pixels; 1 makes every pixel a token. */
  readonly patch: number;
  /** Names of the registry; kernels that need further inputs are refused. */
  readonly kernels: readonly string[];
  readonly seeds: number;
  readonly train: number;
  readonly test: number;
  /** Absent: no landscapes. */
  readonly landscape?: LandscapeConfiguration;
}

const pixels = real(0, 256);
/** Drawn one after the other; Long Range Arena has 200,000. */
const PICTURES = whole(8, 200_000);

const pictureFields = {
  size: whole(8, 256),
  dashes: whole(1, 256),
  distractors: whole(0, 256),
  dashLength: pixels,
  gap: pixels,
  contrast: real(0, 1),
  thickness: pixels,
  dotRadius: pixels,
  turn: real(0, Math.PI),
  clearance: pixels,
  distanceTolerance: real(0, Infinity),
} as const satisfies Fields<PathfinderOptions>;

export const pathfinderFields = {
  ...encoderFields,
  kernels: comparisonFields.kernels,
  // none where pictures alone are drawn
  seeds: whole(0, comparisonFields.seeds.most),
  scale: oneOf(["quick", "full"]),
  difficulty: oneOf(Object.keys(difficulties)),
  picture: record(pictureFields),
  patch: whole(1, 256),
  train: PICTURES,
  test: PICTURES,
  landscape: optional(record({ points: whole(3, 1001), radius: real(0, 1000), pictures: PICTURES, products: whole(1, 10_000), linePoints: whole(3, 10_001) } satisfies Fields<LandscapeConfiguration>)),
} as const satisfies Fields<PathfinderConfiguration>;

/** Bytes of the pictures of a seed. */
export const pathfinderBytes = ({ train, test, picture }: PathfinderConfiguration): number => (train + test) * picture.size ** 2;

/** The easiest pictures in patches, as much as two cores learn in minutes. */
export const quickPathfinder: PathfinderConfiguration = {
  scale: "quick",
  difficulty: "easiest",
  picture: difficulties.easiest,
  patch: 16,
  kernels: ["softmax", "gaussian"],
  seeds: 5,
  train: 6400,
  test: 512,
  width: 32,
  hidden: 64,
  heads: 2,
  layers: 2,
  batch: 64,
  epochs: 5,
  learningRate: 3e-3,
  landscape: { points: 11, radius: 1, pictures: 64, products: 12, linePoints: 21 },
};

/**
 * The encoder of arXiv 2411.07538 (two layers, width 64, hidden 128, two heads, Adam) on the pixels of 32 × 32 pictures, 1024 tokens, as in
 * Long Range Arena, arXiv 2011.04006: for a hardware adapter.
 */
export const fullPathfinder: PathfinderConfiguration = {
  ...quickPathfinder,
  scale: "full",
  difficulty: "paper",
  picture: difficulties.paper,
  patch: 1,
  seeds: 5,
  train: 40_000,
  test: 4000,
  width: 64,
  hidden: 128,
  batch: 128,
  epochs: 60,
  learningRate: 1e-3,
};
