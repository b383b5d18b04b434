import { kernels } from "attention-kernels";
import { oneOf, real, whole, type SettingsOf } from "../kit/settings.js";

export const stepCounts = ["20", "50", "200", "600", "1200", "4000"] as const;
export const exampleCounts = ["64", "1024", "4096", "16000"] as const;
export const widths = ["16", "32", "64"] as const;
export const batches = ["16", "32", "64"] as const;
export const devices = ["auto", "webgpu", "cpu"] as const;
export const intervals = ["10", "25", "50", "100"] as const;

/** Kernels to set beside softmax. */
export const others = Object.keys(kernels).filter((name) => name !== "softmax");

export const schema = {
  data: oneOf("sentences", ["sentences", "pictures"]),
  kernel: oneOf("gaussian", others),
  seed: whole(1, 0, 1e6),
  steps: oneOf("600", stepCounts),
  rate: real(0.003, 1e-4, 1),
  batch: oneOf("32", batches),
  examples: oneOf("1024", exampleCounts),
  width: oneOf("16", widths),
  layers: whole(2, 1, 3),
  every: oneOf("25", intervals),
  on: oneOf("auto", devices),
  shown: whole(0, 0, 3),
  token: whole(0, 0, 10),
};
export type Settings = SettingsOf<typeof schema>;

/** A training of one kernel. */
export interface Training {
  readonly kernel: string;
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Steps between two measurements. */
  readonly every: number;
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
}

/** What a worker needs to train one kernel. */
export interface Task {
  readonly data: Settings["data"];
  readonly on: Settings["on"];
  readonly examples: number;
  readonly tests: number;
  readonly training: Training;
}

/**
 * The task of a kernel.
 *
 * @param settings those of the page
 * @param kernel its name
 */
export const taskOf = (settings: Settings, kernel: string): Task => ({
  data: settings.data,
  on: settings.on,
  examples: Number(settings.examples),
  tests: settings.data === "pictures" ? 512 : 256,
  training: {
    kernel,
    seed: settings.seed,
    steps: Number(settings.steps),
    batch: Number(settings.batch),
    learningRate: settings.rate,
    every: Number(settings.every),
    width: Number(settings.width),
    hidden: 2 * Number(settings.width),
    layers: settings.layers,
  },
});

/** Settings of each kind of data: those of pictures are the study's. */
export const presets = [
  { name: "Sentences", settings: { data: "sentences", width: "16", batch: "32", examples: "1024", steps: "600" } },
  { name: "Pathfinder", settings: { data: "pictures", width: "32", batch: "64", examples: "16000", steps: "1200" } },
] as const satisfies readonly { readonly name: string; readonly settings: Partial<Settings> }[];
