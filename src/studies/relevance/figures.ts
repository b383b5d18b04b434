import { palette, type Series } from "../report/lines.js";
import { figure, formatNumber, type Figure } from "../report/report.js";

/** ρ by layer and head, as shares of the largest; `headOf` names the heads. */
export function dependenceFigure(
  dependence: readonly (readonly number[])[],
  headOf: (head: number) => string,
  caption: string,
): Figure {
  const most = Math.max(...dependence.flat());
  const cells = dependence.flatMap((row, layer) =>
    row.map((rho, head) => ({
      x: headOf(head),
      y: `layer ${layer}`,
      value: most === 0 ? 0 : rho / most,
      text: formatNumber(rho, 2),
    })),
  );
  const plot = { kind: "heat", label: "share of the largest ρ", cells } as const;
  return figure("dependence", "Input dependence ρ by layer and head", plot, caption);
}

/** Shares of right answers with the first k heads frozen, k from 0, and their intervals. */
export interface FrozenCurve {
  readonly y: readonly number[];
  readonly band?: Series["band"];
}

/** The answers with heads frozen in rising and in falling order of ρ; `what` says what the shares are. */
export function frozenFigure(rising: FrozenCurve, falling: FrozenCurve, what: string, intervals: string): Figure {
  const x = rising.y.map((_, frozen) => (100 * frozen) / (rising.y.length - 1));
  const series: Series[] = [
    { label: "most input-dependent last", color: palette.blue, x, ...rising },
    { label: "most input-dependent first", color: palette.orange, dashed: true, x, ...falling },
  ];
  return figure(
    "frozen",
    `The ${what} against the share of frozen heads`,
    { kind: "lines", series, xLabel: "frozen heads (%)", yLabel: `${what} (%)`, percent: true },
    `Heads are frozen to their mean maps in the order of ρ. ${intervals}`,
  );
}
