import { palette } from "../report/lines.js";
import { formatNumber } from "../report/report.js";
import type { Statistics } from "../../physics/statistics.js";
import type { WavefunctionRun } from "./measurements.js";
import type { AttentionName, OptimizationSetting, ProjectionName, SamplingName } from "./setting.js";

export const color: Readonly<Record<AttentionName, string>> = {
  factored: palette.orange,
  softmax: palette.blue,
  spatial: palette.green,
};
export const words: Readonly<Record<AttentionName, string>> = {
  factored: "factored (positions alone)",
  softmax: "softmax with relative positions",
  spatial: "spatial (positions alone)",
};

export const withBar = ({ mean: energy, error }: Statistics): string =>
  error > 0 ? `${energy.toFixed(6)} ± ${error.toFixed(6)}` : energy.toFixed(7);
export const bar = ({ last }: WavefunctionRun): string => withBar(last);
export const rhos = ({ dependence }: WavefunctionRun): string =>
  dependence[dependence.length - 1]?.layers.map((value) => formatNumber(value, 2)).join(", ") ?? "–";
export const stepsOf = ({ energies, finished }: WavefunctionRun): string =>
  finished ? String(energies.length) : `${energies.length}, stopped`;

/** Colours of seeds or layers. */
export const shades = [palette.blue, palette.green, palette.purple, palette.orange, palette.grey];

export const sampled: Readonly<Record<SamplingName, (setting: OptimizationSetting) => string>> = {
  sum: () => "sums over all configurations of the sector S^z = 0, without noise",
  draws: ({ samples }) => `over ${samples} independent draws per step from the enumerated sector S^z = 0`,
  metropolis: ({ samples, chains }) => `over ${samples} draws per step by Metropolis exchange in ${chains} chains`,
};
export const projected: Readonly<Record<ProjectionName, string>> = {
  none: "not projected on symmetries",
  translations: "projected on invariance under all translations",
  "space-group": "projected on invariance under all translations and the point group",
  all: "projected on invariance under all translations, the point group and the flip of all spins",
};
