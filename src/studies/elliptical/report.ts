import { meanInterval } from "../../numerics/mean-interval.js";
import { bands, BAND } from "../comparison/bands.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { byKernel, paired } from "../comparison/runs.js";
import { between, pairColumns, points, verdict } from "../comparison/tables.js";
import {
  figure,
  formatPercent,
  heading,
  paragraph,
  table,
  type Block,
  type Figure,
  type Report,
  type Table,
} from "../report/report.js";
import type {
  ContaminatedTest,
  EllipticalMeasurements,
  EllipticalRun,
  Experiment,
  LayerMeasure,
} from "./measurements.js";
import type { EllipticalOptions } from "./options.js";
import { notesOf, setupOf } from "./setup.js";

/**
 * A quantity measured against contamination. Means and intervals are computed from `of`; figures show `shown` of them.
 */
interface Quantity {
  /** Of its figure. */
  readonly name: string;
  readonly title: string;
  readonly words: string;
  readonly of: (test: ContaminatedTest) => number;
  readonly shown: (value: number) => number;
  readonly format: (value: number) => string;
  /** Formats a difference of `of`, without its unit. */
  readonly formatDifference: (value: number) => string;
  readonly unit: string;
  /** What contamination does, after its percentage. */
  readonly changed: string;
  /** 1 if more is better, -1 if less is better. */
  readonly better: 1 | -1;
}

const titles: Readonly<Record<Experiment, string>> = {
  text: "Classification",
  language: "Next words",
  images: "Pictures",
};

const accuracy = {
  words: "test accuracy",
  shown: (share: number) => share,
  format: formatPercent,
  formatDifference: points,
  unit: "points of accuracy",
  better: 1,
} as const;

const SWAPPED = "swapped";
const perplexity = {
  words: "perplexity",
  changed: SWAPPED,
  shown: Math.exp,
  format: (loss: number) => Math.exp(loss).toFixed(1),
  formatDifference: (difference: number) => Math.exp(difference).toFixed(3),
  unit: "times the perplexity",
  better: -1,
} as const;

const quantities: Readonly<Record<Experiment, readonly Quantity[]>> = {
  text: [{ ...accuracy, name: "text", title: titles.text, changed: SWAPPED, of: (test) => Number(test.accuracy) }],
  images: [
    { ...accuracy, name: "noise", title: "Noise", changed: "noise", of: (test) => Number(test.accuracy) },
    {
      ...accuracy,
      name: "occlusion",
      title: "Occlusion",
      changed: "occluded",
      of: (test) => Number(test.occludedAccuracy),
    },
  ],
  language: [
    { ...perplexity, name: "language", title: titles.language, of: ({ loss }) => loss },
    {
      ...perplexity,
      name: "language-targets",
      title: "Contaminated next words",
      of: ({ contaminatedLoss }) => Number(contaminatedLoss),
    },
  ],
};

const percents = (share: number): number => Number((100 * share).toFixed(1));
const percent = (share: number): string => `${percents(share)} %`;

function contaminationTable(
  runs: readonly EllipticalRun[],
  { title, words, of, format, changed }: Quantity,
  shares: readonly number[],
  note: string,
): Table {
  const cell = (own: readonly EllipticalRun[], place: number): string => {
    const values = meanInterval(own.map(({ tests }) => of(tests[place])));
    return `${format(values.mean)} (${between(values, format)})`;
  };
  const rows = [...byKernel(runs)].map(([kernel, own]) => [
    kernel,
    String(own.length),
    ...shares.map((_, place) => cell(own, place)),
  ]);
  const columns = ["kernel", "seeds", ...shares.map((share) => `${percent(share)} ${changed}`)];
  return table(`${title}: ${words} against contamination`, columns, rows, { summary: true, note });
}

/** Difference that contamination makes to a run, between the last share and the first. */
const costOf = ({ tests }: EllipticalRun, { of }: Quantity): number => of(tests[tests.length - 1]) - of(tests[0]);

const fromTo = (shares: readonly number[]): string =>
  `from ${percent(shares[0])} to ${percent(shares[shares.length - 1])}`;

function differenceTable(
  runs: readonly EllipticalRun[],
  quantity: Quantity,
  shares: readonly number[],
  reference: string,
): Table | undefined {
  const others = [...byKernel(runs).keys()].filter((kernel) => kernel !== reference);
  const rows = others.flatMap((kernel) => {
    const compared = [
      ...shares.map(
        (_, place) =>
          ({ tests }: EllipticalRun) =>
            quantity.of(tests[place]),
      ),
      (run: EllipticalRun) => costOf(run, quantity),
    ];
    const cells = compared.map((value) => paired(runs, kernel, reference, (own, other) => value(own) - value(other)));
    return cells.some((cell) => cell === undefined)
      ? []
      : [
          [
            kernel,
            ...cells.flatMap((cell) =>
              cell === undefined
                ? []
                : [`${quantity.formatDifference(cell.mean)} (${between(cell, quantity.formatDifference)})`],
            ),
          ],
        ];
  });
  if (rows.length === 0) return undefined;
  const columns = ["kernel", ...shares.map((share) => `${percent(share)} ${quantity.changed}`), fromTo(shares)];
  return table(`${quantity.title}: ${quantity.unit} against ${reference}, paired seeds`, columns, rows, {
    note: `The last column compares the change of the ${quantity.words} by contamination.`,
  });
}

/** What contamination costs every kernel, compared with every other. */
function costTable(runs: readonly EllipticalRun[], quantity: Quantity, shares: readonly number[]): Table {
  const names = [...byKernel(runs).keys()];
  const costs = pairColumns(
    names,
    (kernel, other) => paired(runs, kernel, other, (own, others) => costOf(own, quantity) - costOf(others, quantity)),
    quantity.formatDifference,
  );
  return table(
    `${quantity.title}: change of the ${quantity.words} ${fromTo(shares)}, kernel by kernel`,
    ["kernel", ...names.map((name) => `against ${name}`)],
    names.map((kernel) => [kernel, ...costs(kernel)]),
    {
      note:
        `The change of the row's kernel against that of the column's, in ${quantity.unit}, over paired seeds, with ` +
        "Student's 95 % interval.",
    },
  );
}

function layerTable(runs: readonly EllipticalRun[], experiment: Experiment): Table {
  const count = runs[0].layers.length;
  const cells = (own: readonly EllipticalRun[], field: keyof LayerMeasure): string[] =>
    Array.from({ length: count }, (_, layer) => {
      const values = meanInterval(own.map(({ layers }) => layers[layer][field]));
      return `${values.mean.toFixed(3)} (${between(values, (value) => value.toFixed(3))})`;
    });
  const names = (words: string): string[] =>
    Array.from({ length: count }, (_, layer) => `${words}, layer ${layer + 1}`);
  const rows = [...byKernel(runs)].map(([kernel, own]) => [
    kernel,
    ...cells(own, "tokenCosine"),
    ...cells(own, "outputCosine"),
    ...cells(own, "headDistance"),
  ]);
  return table(
    `${titles[experiment]}: collapse and redundancy on clean ${experiment === "images" ? "pictures" : "texts"}`,
    ["kernel", ...names("cosine of tokens"), ...names("cosine of attention outputs"), ...names("distance of heads")],
    rows,
    {
      note:
        "Mean cosine of two tokens of an example after the layer (1: all alike), the same of the outputs of " +
        "attention before they are added to the tokens, and mean Euclidean distance of " +
        "the attention maps of two heads (0: redundant); 95 % intervals over seeds.",
    },
  );
}

function contaminationFigure(
  runs: readonly EllipticalRun[],
  { name, title: task, words, of, shown, better, changed }: Quantity,
  shares: readonly number[],
): Figure {
  const title = `${task}: ${words} against contamination`;
  const series = bands(
    runs,
    (place) => percents(shares[place]),
    ({ tests }) => tests.map(of),
  ).map(({ y, band, ...line }) => ({
    ...line,
    y: y.map(shown),
    ...(band ? { band: { low: band.low.map(shown), high: band.high.map(shown) } } : {}),
  }));
  const plot = {
    kind: "lines",
    series,
    xLabel: changed === SWAPPED ? "tokens swapped (%)" : `${task.toLowerCase()} (%)`,
    yLabel: better === 1 ? `${words} (%)` : words,
    percent: better === 1,
    dots: true,
  } as const;
  return figure(`${name}-contamination`, title, plot, `${title}, on examples that are not trained on. ${BAND}`);
}

/** The comparison of every kernel with the first at the largest contamination, in words. */
function statements(
  runs: readonly EllipticalRun[],
  { title, of, formatDifference, unit, better, changed }: Quantity,
  shares: readonly number[],
  reference: string,
): string[] {
  const last = shares.length - 1;
  return [...byKernel(runs).keys()].flatMap((kernel) => {
    const difference =
      kernel === reference
        ? undefined
        : paired(runs, kernel, reference, (own, other) => of(own.tests[last]) - of(other.tests[last]));
    if (difference === undefined) return [];
    const { mean, count } = difference;
    const gain = better === 1 ? difference : { ...difference, low: -difference.high, high: -difference.low };
    return [
      `${title} with ${percent(shares[last])} ${changed === SWAPPED ? "of the tokens swapped" : changed}, ` +
        `${kernel} against ${reference}: ${formatDifference(mean)} ${unit} ` +
        `(95 % interval ${between(difference, formatDifference)}, ${count} paired seeds): ` +
        `${verdict(kernel, reference, gain)}.`,
    ];
  });
}

/** Tables and figures of the study. */
export function report(measurements: EllipticalMeasurements, options: EllipticalOptions): Report {
  const { runs } = measurements;
  const {
    kernels: [reference],
    contamination: shares,
  } = options;
  const notes = notesOf(measurements);
  const blocks: Block[] = [paragraph(setupOf(measurements, options))];
  const answers: string[] = [];
  for (const experiment of ["text", "language", "images"] as const) {
    const own = runs.filter((run) => run.experiment === experiment);
    if (own.length === 0) continue;
    blocks.push(heading(titles[experiment]));
    for (const quantity of quantities[experiment]) {
      const found = statements(own, quantity, shares, reference);
      const differences = differenceTable(own, quantity, shares, reference);
      answers.push(...found);
      blocks.push(
        contaminationTable(own, quantity, shares, notes[experiment]()),
        ...(differences === undefined ? [] : [differences, costTable(own, quantity, shares)]),
        ...found.map(paragraph),
        contaminationFigure(own, quantity, shares),
      );
    }
    blocks.push(layerTable(own, experiment), ...monitorBlocks(own, `${experiment}-`));
  }
  return { answer: answers.length === 0 ? "One kernel alone: nothing to compare." : answers.join(" "), blocks };
}
