import { oneOf, real, someOf, whole, type SettingsOf } from "../kit/settings.js";

export const kernelNames = ["factored", "relative", "softmax", "gaussian"] as const;
export type KernelName = (typeof kernelNames)[number];

export const widths = ["4", "8", "12"] as const;

export const schema = {
  kernels: someOf(["factored", "relative"], kernelNames),
  j2: real(0.5, 0, 1),
  width: oneOf("8", widths),
  seed: whole(1, 0, 1e6),
  steps: whole(60, 1, 400),
};
export type Settings = SettingsOf<typeof schema>;

/** One optimisation. */
export interface Task {
  readonly kernel: KernelName;
  /** J2 in units of J1. */
  readonly j2: number;
  readonly width: number;
  readonly seed: number;
  readonly steps: number;
}

/**
 * The optimisation of a kernel.
 *
 * @param settings those of the page
 * @param kernel its name
 */
export const taskOf = ({ j2, width, seed, steps }: Settings, kernel: KernelName): Task => ({
  kernel,
  j2,
  width: Number(width),
  seed,
  steps,
});

/** A kernel's name, where its weights come from, and its colour. */
export const kernelWords: Readonly<
  Record<KernelName, { readonly name: string; readonly weight: string; readonly color: string }>
> = {
  factored: {
    name: "Factored",
    weight: "α of the displacement i - j alone: no queries, no keys",
    color: "var(--series-1)",
  },
  relative: {
    name: "Softmax with positions",
    weight: "e^(q·k/√d + p), p of the displacement, divided by the row's sum",
    color: "var(--series-2)",
  },
  softmax: { name: "Softmax", weight: "e^(q·k/√d) by the row's sum: no positions", color: "var(--series-3)" },
  gaussian: {
    name: "Gaussian",
    weight: "e^(-γ/2‖q-k‖²), γ = 1/√d, not divided: no positions",
    color: "var(--series-4)",
  },
};
