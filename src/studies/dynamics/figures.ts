import { palette, type Series } from "../report/lines.js";
import { figure, type Figure } from "../report/report.js";
import { convergedShare, type Group } from "./groups.js";

const DEVICE = "the CPU backend in float64";
const colors = Object.values(palette);

export function convergedFigure(groups: readonly Group[]): Figure {
  const cells = groups.map(({ subset, kernel, trials }) => {
    const { share, successes, trials: count } = convergedShare(trials);
    return { x: subset, y: kernel, value: share, text: `${successes}/${count}` };
  });
  return figure(
    "converged",
    "Share of runs that converged",
    { kind: "heat", cells, label: "share converged" },
    "By trained matrices (columns) and kernel (rows).",
    DEVICE,
  );
}

/** Which of softmax and the Gaussian converged from the same start. */
export type Outcome = "both" | "gaussian alone" | "softmax alone" | "neither";

/** The seeds of every outcome, in order, among the seeds that both kernels ran. */
export function outcomes(groups: readonly Group[]): Readonly<Record<Outcome, readonly number[]>> {
  const found: Record<Outcome, number[]> = { both: [], "gaussian alone": [], "softmax alone": [], neither: [] };
  const of = (kernel: string) => groups.find((group) => group.kernel === kernel)?.trials ?? [];
  for (const { seed, converged } of of("gaussian")) {
    const softmax = of("softmax").find((trial) => trial.seed === seed);
    if (softmax === undefined) continue;
    found[
      converged ? (softmax.converged ? "both" : "gaussian alone") : softmax.converged ? "softmax alone" : "neither"
    ].push(seed);
  }
  return found;
}

interface Wanted {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** The problem's data, for the caption. */
  readonly data: string;
}

/** Loss curves of every kernel on the first seed with this outcome; none if there is no such seed. */
export function outcomeFigure(groups: readonly Group[], { name, title, outcome, data }: Wanted): Figure[] {
  const all = outcomes(groups);
  const [seed] = all[outcome];
  if (seed === undefined) return [];
  const series = groups.flatMap(({ kernel, trials }, index): Series[] => {
    const trial = trials.find((own) => own.seed === seed);
    if (trial === undefined) return [];
    const { steps, losses } = trial.curve;
    // later lines are dashed, so that earlier ones show through
    return [
      {
        label: kernel,
        color: colors[index % colors.length],
        dashed: index > 1,
        x: steps,
        y: losses.map((loss) => loss / trial.initialLoss),
      },
    ];
  });
  const plot = {
    kind: "lines",
    series,
    xLabel: "step",
    yLabel: "loss, share of its start",
    logarithmic: true,
    logarithmicX: true,
  } as const;
  const counts = Object.entries(all).map(([own, seeds]) => `${own} ${seeds.length}`);
  const caption =
    `Training W^Q alone on seed ${seed}, the first with this outcome (all seeds: ${counts.join(", ")}). ` +
    `${data} Same data, same initial weights for every kernel.`;
  return [figure(name, title, plot, caption, DEVICE)];
}
