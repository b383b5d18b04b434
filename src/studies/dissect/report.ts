import { cosineNoise } from "../../analysis/cosine-noise.js";
import { mean } from "../../numerics/averages.js";
import type { DrawnInput } from "../report/over-input.js";
import { palette, type Series } from "../report/lines.js";
import { figure, formatNumber, formatPercent, paragraph, table, type Figure, type Report } from "../report/report.js";
import type { DissectedLayer, DissectedMap, DissectMeasurements, ModelSummary } from "./measurements.js";

/** Cells along each side of a drawn map; more tokens are averaged in blocks. */
const CELLS = 64;
/** Grey level of 0; black is the largest negative share, white the largest positive one. */
const MIDDLE = 127.5;

function blockMeans(values: readonly number[]): number[] {
  const cells = Math.min(CELLS, values.length);
  return Array.from({ length: cells }, (_, cell) =>
    mean(values.slice(Math.floor((cell * values.length) / cells), Math.floor(((cell + 1) * values.length) / cells))),
  );
}

/** A mode's map in grey. The map is an outer product, so block means are products of its factors' block means. */
function greyMap({ queries, keys, head, mode, singularValue, cosine }: DissectedMap) {
  const [rows, columns] = [blockMeans(queries), blockMeans(keys)];
  const largest = Math.max(...rows.map(Math.abs)) * Math.max(...columns.map(Math.abs));
  const levels = Uint8Array.from(
    rows.flatMap((row) =>
      columns.map((column) => Math.round(MIDDLE + (largest > 0 ? (MIDDLE * row * column) / largest : 0))),
    ),
  );
  return {
    size: rows.length,
    levels,
    caption: `${head}.${mode}: σ ${formatNumber(singularValue)}, cos ${cosine.toFixed(2)}`,
  };
}

function mapFigure({ maps = [] }: DissectedLayer, label: string): Figure[] {
  if (maps.length === 0) return [];
  const caption =
    "Head.mode. Row i, column j: σ (x_i·u)(x_j·v), the mode's share of the score of " +
    `${maps[0].queries.length} tokens; grey 0, white positive, black negative.`;
  return [
    figure(
      `modes-${label}`,
      `Layer ${label}: strongest modes on the given tokens`,
      { kind: "pictures", pictures: maps.map(greyMap) },
      caption,
    ),
  ];
}

/** The projections of tokens on the two directions of every mode, over the input itself. */
function overlayFigure({ maps = [] }: DissectedLayer, label: string, input: DrawnInput | undefined): Figure[] {
  if (maps.length === 0 || input === undefined) return [];
  const panels = maps.map(({ head, mode, singularValue, cosine, queries, keys }) => {
    // u and v may both change their signs: the largest projection on u is drawn as positive
    const largest = queries.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    const sign = largest < 0 ? -1 : 1;
    return {
      caption: `head ${head}, mode ${mode}: σ ${formatNumber(singularValue)}, cos ${cosine.toFixed(2)}`,
      rows: [
        { name: "x_i·u", values: queries.map((value) => sign * value) },
        { name: "x_j·v", values: keys.map((value) => sign * value) },
      ],
    };
  });
  return [
    figure(
      `input-${label}`,
      `Layer ${label}: strongest modes over the input`,
      { kind: "overlay", input, panels },
      "Tokens that enter the layer, projected on u and on v of a mode: tokens of a colour in the first attend to " +
        "tokens of the same colour in the second, and away from those of the other one. Orange positive, blue " +
        "negative; the largest of each is full." +
        (input.kind === "picture" ? " The small squares below are the special tokens." : ""),
    ),
  ];
}

function cosineFigure({ layers, control }: DissectMeasurements): Figure {
  const x = layers.map((_, layer) => layer);
  const line = (label: string, color: string, kind: "plain" | "weighted"): Series => ({
    label,
    color,
    x,
    y: layers.map((layer) => layer[kind]),
  });
  // the weighted mean has the wider band
  const half = layers.map(({ noise }) => noise.weighted);
  const series = [
    {
      label: "noise (95 %)",
      color: palette.grey,
      dashed: true,
      x,
      y: x.map(() => 0),
      band: { low: half.map((value) => -value), high: half },
    },
    line("mean", palette.blue, "plain"),
    line("mean weighted by σ", palette.orange, "weighted"),
  ];
  const caption =
    "1: tokens attend to similar tokens; -1: to opposite ones. The grey band holds the weighted mean of " +
    `random directions. For a layer of N(0, 1) weights the two means are ${formatNumber(control.plain)} ` +
    `and ${formatNumber(control.weighted)}.`;
  return figure(
    "cosines",
    "Cosine of left and right singular vectors of W_qᵀW_k, by layer",
    { kind: "lines", series, xLabel: "layer", yLabel: "mean cosine", dots: true },
    caption,
  );
}

function shareFigure({ layers, control }: DissectMeasurements): Figure {
  const x = layers.map((_, layer) => layer);
  const series = [
    { label: "random weights", color: palette.grey, dashed: true, x, y: x.map(() => control.symmetricShare) },
    { label: "mean over heads", color: palette.blue, x, y: layers.map(({ symmetricShare }) => symmetricShare) },
  ];
  const yLabel = "‖(M + Mᵀ)/2‖² / ‖M‖²";
  const plot = { kind: "lines", series, xLabel: "layer", yLabel, dots: true } as const;
  return figure(
    "symmetric-share",
    "Symmetric share of W_qᵀW_k, by layer",
    plot,
    "1: M is symmetric; 0: M is antisymmetric; ½: random weights.",
  );
}

const rowOf = (
  name: string,
  { plain, weighted, noise, modes, insideNoise, symmetricShare }: DissectedLayer,
): string[] => [
  name,
  plain.toFixed(4),
  `± ${noise.plain.toFixed(4)}`,
  weighted.toFixed(4),
  `± ${noise.weighted.toFixed(4)}`,
  formatPercent(insideNoise),
  symmetricShare.toFixed(3),
  String(modes),
];

/** Layers beyond noise, and the mean cosines of early and late layers. */
function answerOf({ layers, sizes }: DissectMeasurements): string {
  const above = layers.filter(({ weighted, noise }) => weighted > noise.weighted).length;
  const below = layers.filter(({ weighted, noise }) => weighted < -noise.weighted).length;
  const counts =
    `By the mean weighted by σ, ${above} of ${layers.length} layers attend to similar tokens more than ` +
    `noise explains, ${below} to opposite ones`;
  if (layers.length < Math.max(2, sizes.length)) return `${counts}.`;
  const half = Math.floor(layers.length / 2);
  const mean = (part: readonly DissectedLayer[]): number =>
    part.reduce((sum, { weighted }) => sum + weighted, 0) / part.length;
  return (
    `${counts}; it is ${mean(layers.slice(0, half)).toFixed(3)} over the first ${half} and ` +
    `${mean(layers.slice(-half)).toFixed(3)} over the last ${half}.`
  );
}

/** A number, or the range of several. */
function rangeOf(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** Number and sizes of a model's layers, and where the number of heads comes from. */
export function describeSizes({ sizes, headsFrom, hasNorms = false }: ModelSummary): string {
  const all = (name: "width" | "heads" | "keyHeads" | "dim"): string => rangeOf(sizes.map((own) => own[name]));
  const from = { given: "given", configuration: "by config.json", file: "by the file" }[headsFrom];
  const shared = sizes.some(({ heads, keyHeads }) => keyHeads < heads) ? `, ${all("keyHeads")} of keys` : "";
  const heads = `${all("heads")} heads of ${all("dim")}${shared} (${from})`;
  const norms = hasNorms ? "; norms of queries and keys are left out" : "";
  return `${sizes.length} layers, width ${all("width")}, ${heads}${norms}`;
}

/** Tables and figures of the study. */
export function report(measurements: DissectMeasurements): Report {
  const { file, sizes, layers, control, drawn } = measurements;
  const rows = [...layers.map((layer, index) => rowOf(sizes[index].label, layer)), rowOf("random", control)];
  return {
    answer: answerOf(measurements),
    blocks: [
      paragraph(
        `${file}: ${describeSizes(measurements)}. The singular modes of every head are those of M = ` +
          "W_qᵀW_k = Σ σ u vᵀ (arXiv 2405.14880), without biases. A token along u attends to tokens along v, " +
          "so cos = u·v measures their similarity. For 95 % of random directions |cos| is below " +
          `${cosineNoise(sizes[0].width).toFixed(4)} (layer ${sizes[0].label}).`,
      ),
      table(
        "Cosines by layer",
        ["layer", "mean cos", "noise", "weighted by σ", "noise", "single cos in noise", "symmetric share", "modes"],
        rows,
        {
          summary: true,
          note:
            "Means over modes and heads. Noise: half-width of the interval with 95 % of such means of random " +
            "directions. Random: N(0, 1) weights of the first layer's sizes, drawn from the seed.",
        },
      ),
      cosineFigure(measurements),
      shareFigure(measurements),
      ...layers.flatMap((layer, index) => [
        ...overlayFigure(layer, sizes[index].label, drawn),
        ...mapFigure(layer, sizes[index].label),
      ]),
    ],
  };
}
