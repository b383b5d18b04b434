import type { HeadRecord, LayerRecord, TrainingRecord } from "../../analysis/monitor/records.js";
import { trainingWarnings } from "../../analysis/monitor/warnings.js";
import { mean, median } from "../../numerics/averages.js";
import type { Series } from "../report/lines.js";
import { figure, formatNumber, formatPercent, paragraph, table, type Block, type Table } from "../report/report.js";
import { BAND, bands } from "./bands.js";
import { byKernel } from "./runs.js";

/** A training that was watched. */
interface WatchedRun {
  readonly kernel: string;
  readonly seed: number;
  readonly watched: readonly TrainingRecord[];
}

/** Mean over the heads of a layer that have the measure; undefined if none has. */
function overHeads({ heads }: LayerRecord, of: (head: HeadRecord) => number | undefined): number | undefined {
  const known = heads.flatMap((head) => of(head) ?? []);
  return known.length === 0 ? undefined : mean(known);
}

/** One measure of a layer over steps: a panel for each layer, a line for each kernel. */
function panels(runs: readonly WatchedRun[], of: (layer: LayerRecord) => number | undefined): Series[] {
  const count = Math.max(...runs.map(({ watched }) => watched[0].layers.length));
  return Array.from({ length: count }, (_, layer) => {
    const known = runs.filter(({ watched }) => watched.every(({ layers }) => of(layers[layer]) !== undefined));
    if (known.length === 0) return [];
    const steps = known[0].watched.map(({ step }) => step);
    const values = ({ watched }: WatchedRun): number[] => watched.map(({ layers }) => of(layers[layer]) ?? NaN);
    return bands(known, (place) => steps[place], values).map((line) => ({ ...line, facet: `layer ${layer + 1}` }));
  }).flat();
}

/** The last record of every kernel, layer by layer, over its seeds. */
function lastTable(runs: readonly WatchedRun[]): Table {
  const rows = [...byKernel(runs)].flatMap(([kernel, own]) => {
    const last = own.map(({ watched }) => watched[watched.length - 1]);
    return last[0].layers.map((_, layer) => {
      const typical = (of: (record: LayerRecord) => number | undefined): number | undefined =>
        median(last.flatMap(({ layers }) => of(layers[layer]) ?? []));
      const condition = ({ largest, smallest }: LayerRecord["attended"]): number => largest / smallest;
      const share = (value: number | undefined): string => (value === undefined ? "–" : formatPercent(value));
      const { size } = last[0].layers[layer];
      return [
        kernel,
        String(layer + 1),
        formatNumber(typical((record) => overHeads(record, ({ entropy }) => entropy))),
        `${formatNumber(typical((record) => overHeads(record, ({ rank }) => rank)))} of ${size}`,
        formatNumber(typical((record) => median(record.heads.flatMap((head) => head.condition ?? [])))),
        share(typical((record) => overHeads(record, ({ underflow }) => underflow))),
        formatNumber(typical(({ tokenCosine }) => tokenCosine)),
        formatNumber(typical(({ inputDependence }) => inputDependence)),
        formatNumber(typical(({ attended }) => condition(attended))),
        formatNumber(typical(({ withResidual }) => condition(withResidual))),
        formatNumber(typical(({ queryKeyOverValue }) => queryKeyOverValue)),
      ];
    });
  });
  const columns = [
    "kernel",
    "layer",
    "entropy",
    "rank",
    "condition",
    "weights below float32",
    "cosine of tokens",
    "input dependence",
    "condition of the output",
    "with the residual",
    "W^Q, W^K over W^V",
  ];
  return table("Layers at the monitor's last look", columns, rows, {
    note:
      "Medians over seeds of means over heads, on four sequences that are not trained on; docs/monitor.md has the " +
      "formulas.",
  });
}

/** What the monitor saw in the trainings and what it warns of. `prefix` begins the names of the figures. */
export function monitorBlocks(
  all: readonly (Omit<WatchedRun, "watched"> & Partial<WatchedRun>)[],
  prefix = "",
): Block[] {
  const runs = all.flatMap(({ watched = [], ...run }) => (watched.length === 0 ? [] : [{ ...run, watched }]));
  if (runs.length === 0) return [];
  const warnings = runs.flatMap(({ kernel, seed, watched }) =>
    trainingWarnings(watched).map(({ text, advice }) => [kernel, String(seed), text, advice]),
  );
  const entropies = panels(runs, (layer) => overHeads(layer, ({ entropy }) => entropy));
  return [
    ...(entropies.length === 0
      ? []
      : [
          figure(
            `${prefix}monitor-entropy`,
            "Entropy of attention while training",
            { kind: "lines", series: entropies, xLabel: "steps", yLabel: "entropy / ln(keys seen)" },
            `Mean over heads and rows; 1 is uniform attention, 0 attention to one key. ${BAND}`,
          ),
        ]),
    lastTable(runs),
    warnings.length === 0
      ? paragraph(`The monitor raised no warning; trainings watched: ${runs.length}.`)
      : table("Warnings of the monitor", ["kernel", "seed", "warning", "advice"], warnings),
  ];
}
