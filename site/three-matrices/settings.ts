import { flag, oneOf, real, someOf, whole, type SettingsOf } from "../kit/settings.js";

export const matrixNames = ["query", "key", "value"] as const;
export type MatrixName = (typeof matrixNames)[number];

/** Kernels that the theory has a place for: with no inputs besides q, k and v, and projections of their own. */
export const kernelNames = [
  "softmax",
  "gaussian",
  "gaussianNormalized",
  "laplacian",
  "cosine",
  "sigmoid",
  "relu",
  "polynomial",
] as const;
export type KernelName = (typeof kernelNames)[number];

/** Most steps, as words in the URL. */
export const stepCounts = ["1000", "4000", "20000"] as const;

/** The problem and its descent, for any kernel. */
export const problemSchema = {
  train: someOf(["query"], matrixNames),
  seed: whole(1, 0, 1e6),
  heads: whole(4, 1, 8),
  qk: real(0.5, 0.05, 5),
  v: real(1, 0.1, 30),
  equal: flag(true),
  share: real(0.5, 0.05, 4),
};

export const schema = {
  ...problemSchema,
  kernels: someOf(["softmax", "gaussian"], kernelNames),
  steps: oneOf("4000", stepCounts),
};
export type Settings = SettingsOf<typeof schema>;

/** The problem and its descent, in the words of the library. */
export interface Problem {
  readonly trainable: readonly MatrixName[];
  readonly seed: number;
  readonly heads: number;
  readonly queryKeyScale: number;
  readonly valueScale: number;
  readonly equalValues: boolean;
  readonly stepShare: number;
}

/** What a worker needs to train one kernel. */
export interface Task extends Problem {
  readonly kernel: KernelName;
  readonly steps: number;
}

/** The problem of a page. @param settings those of the page */
export const problemIn = ({ train, seed, heads, qk, v, equal, share }: SettingsOf<typeof problemSchema>): Problem => ({
  trainable: [...train],
  seed,
  heads,
  queryKeyScale: qk,
  valueScale: v,
  equalValues: equal,
  stepShare: share,
});

/**
 * The task of a kernel.
 *
 * @param settings those of the page
 * @param kernel its name
 */
export const taskOf = (settings: Settings, kernel: KernelName): Task => ({
  kernel,
  ...problemIn(settings),
  steps: Number(settings.steps),
});

/** Problems of the study `dynamics`, by what happens on them. */
export const presets: readonly {
  readonly name: string;
  readonly says: string;
  readonly settings: Partial<Settings>;
}[] = [
  {
    name: "Equal values",
    says:
      "Only W^Q trains, and all values of a sample are equal: the gradient of softmax is exactly zero, and the " +
      "Gaussian learns.",
    settings: { train: ["query"], equal: true, heads: 4, v: 1, qk: 0.5, seed: 1 },
  },
  {
    name: "Both learn",
    says: "Only W^Q trains, on generic values. Both kernels converge, as on eight of the study's twelve seeds.",
    settings: { train: ["query"], equal: false, heads: 2, v: 3, qk: 0.5, seed: 1 },
  },
  {
    name: "Gaussian alone",
    says: "Only W^Q trains, on generic values. One seed of twelve was like this.",
    settings: { train: ["query"], equal: false, heads: 2, v: 3, qk: 0.5, seed: 11 },
  },
  {
    name: "Softmax alone",
    says:
      "Only W^Q trains, on generic values. Two seeds of twelve were like this: the kernels do not differ " +
      "reliably here.",
    settings: { train: ["query"], equal: false, heads: 2, v: 3, qk: 0.5, seed: 3 },
  },
  {
    name: "Values only",
    says:
      "Only W^V trains: the model is linear, and success is proved before the first step, for every kernel. " +
      "It is slow.",
    settings: { train: ["value"], equal: false, heads: 2, v: 3, qk: 0.5, seed: 1 },
  },
  {
    name: "All three",
    says: "W^Q, W^K and W^V train. Every kernel converged on all of the study's twelve seeds.",
    settings: { train: ["query", "key", "value"], equal: false, heads: 2, v: 3, qk: 0.5, seed: 1 },
  },
];
