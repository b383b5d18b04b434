import type { HeadRecord, LayerRecord, TrainingRecord } from "./records.js";

/** The faults that the monitor knows. */
export const warningNames = [
  "notFinite",
  "frozen",
  "valuesEqual",
  "rankLost",
  "underflow",
  "saturated",
  "rowsEqual",
  "headsAlike",
  "tokensAlike",
  "noGradient",
  "rateTooLarge",
] as const;

/** The name of a fault that the monitor knows. */
export type WarningName = (typeof warningNames)[number];

/** A fault in one record. `said` gives the sentence for words on the time. */
export interface Finding {
  readonly name: WarningName;
  readonly layer?: number;
  readonly head?: number;
  readonly weight?: string;
  readonly value: number;
  readonly threshold: number;
  readonly said: (time: string) => string;
  readonly advice: string;
}

/** Relative differences below this are no longer used by a training: 1/1000 of the size. */
const EQUAL = 1e-3;
/** A mean cosine this near to 1: tokens differ by 1/100 of their size. */
const COLLAPSED = 1e-4;
/** Two heads differ by less than this part of their size. */
const ALIKE = 0.01;
/** A fault of rows or pairs counts where it has most of them. */
const MOST = 0.5;
/** Float32's rounding: a gradient below this part of the whole is noise of the others' sums. */
const ROUNDING = 2 ** -23;
/**
 * A step that changes the weights by this part of themselves forgets them in ten. Healthy trainings are near 1e-3, and
 * near 0.01 in the first steps of Adam.
 */
const TOO_FAR = 0.1;
/** The part by which the weights may grow in a step, as a mean between two records. */
const TOO_FAST = 0.05;

const brief = (value: number): string => (value === 0 ? "0" : value.toPrecision(2));
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;

/** Whether the gradient of a head's queries is below the rounding of all gradients, in words. */
function queryGradient({ gradients: { query } }: HeadRecord, whole: number | undefined): string {
  if (query === undefined || whole === undefined || !(query <= ROUNDING * whole)) return "";
  return `; its query gradient is ${query === 0 ? "0" : `below rounding (${brief(query / whole)} of all gradients)`}`;
}

function notFinite({ loss, layers, weights }: TrainingRecord): Finding[] {
  const isBad = (value: number | undefined): boolean => value !== undefined && !Number.isFinite(value);
  const broken = weights.filter(({ norm }) => isBad(norm));
  const slopes = weights.filter(({ gradient }) => isBad(gradient));
  const layer = layers.findIndex(({ finite }) => !finite);
  const places = [
    ...(isBad(loss) ? [`the loss is ${loss}`] : []),
    ...(broken.length > 0
      ? [`${broken.length} of ${weights.length} parameter tensors hold NaN or infinity, the first ${broken[0].name}`]
      : []),
    ...(slopes.length > 0
      ? [`${slopes.length} gradients hold NaN or infinity, the first that of ${slopes[0].name}`]
      : []),
    ...(layer >= 0 ? [`layer ${layer + 1} is the first whose numbers on the probe are not finite`] : []),
  ];
  if (places.length === 0) return [];
  return [
    {
      name: "notFinite",
      value: NaN,
      threshold: Infinity,
      said: (time) => `NaN or infinity${time}: ${places.join("; ")}.`,
      advice:
        "Go back to the last finite weights. Clip gradients, lower the learning rate, and check the data and the " +
        "mask of the step.",
    },
  ];
}

function rowFaults(own: HeadRecord, place: string, whole: number | undefined): Omit<Finding, "layer" | "head">[] {
  const gradient = queryGradient(own, whole);
  const faults: Omit<Finding, "layer" | "head">[] = [];
  if (own.valueSpread <= EQUAL) {
    faults.push({
      name: "valuesEqual",
      value: own.valueSpread,
      threshold: EQUAL,
      said: (time) =>
        `${place}: all value rows nearly equal${time} (they differ by ${brief(own.valueSpread)} of their size), so ` +
        `that weights that sum to 1 cannot move its output${gradient}.`,
      advice: "Draw W^V anew or larger, and check that the tokens before the layer differ.",
    });
  }
  const isDead = own.saturated === undefined && own.underflow !== undefined && own.underflow > MOST;
  if (isDead) {
    const { underflow = NaN } = own;
    faults.push({
      name: "underflow",
      value: underflow,
      threshold: MOST,
      said: (time) => `${place}: ${percent(underflow)} of its weights are below float32's smallest${time}${gradient}.`,
      advice: "Their pairs get no gradient. Lower gamma, or the scale of W^Q and W^K, or normalise queries and keys.",
    });
  }
  if (own.saturated !== undefined && own.saturated > MOST) {
    const { saturated } = own;
    faults.push({
      name: "saturated",
      value: saturated,
      threshold: MOST,
      said: (time) => `${place}: ${percent(saturated)} of its rows attend to one key alone${time}${gradient}.`,
      advice:
        "No score has an effect there. Lower the scale of the scores: smaller W^Q and W^K, a softcap, or a norm of " +
        "queries and keys.",
    });
  }
  // Rows that all attend to one key are equal too, and may be right: then the gradient decides.
  const isUniform = own.keySpread !== undefined && own.keySpread <= EQUAL;
  const spread = isUniform ? own.keySpread : gradient === "" ? undefined : own.rowSpread;
  if (!isDead && spread !== undefined && spread <= EQUAL) {
    faults.push({
      name: "rowsEqual",
      value: spread,
      threshold: EQUAL,
      said: (time) =>
        `${place}: all ${isUniform ? "weights" : "rows"} of its attention nearly equal${time} (they differ by ` +
        `${brief(spread)} of their size)${gradient}.`,
      advice: "The query has no effect. Draw W^Q and W^K anew or larger, or remove the head.",
    });
  }
  const { query, key } = own.gradients;
  const least = [query, key].flatMap((value) => (value === undefined ? [] : [value]));
  if (faults.length === 0 && whole !== undefined && whole > 0 && least.some((value) => value <= ROUNDING * whole)) {
    const smallest = Math.min(...least);
    faults.push({
      name: "noGradient",
      value: smallest / whole,
      threshold: ROUNDING,
      said: (time) =>
        `${place}: the gradient of its ${smallest === query ? "query" : "key"} matrix is below rounding${time} ` +
        `(${brief(smallest / whole)} of all gradients).`,
      advice: "The head does not learn where to look. Compare its scores and values with those of the other heads.",
    });
  }
  return faults;
}

/** A head and its nearest twin, reported once for both. */
function alike({ heads }: LayerRecord, head: number, place: string): Omit<Finding, "layer" | "head">[] {
  const { twin, keySpread = 0 } = heads[head];
  if (twin === undefined || !(twin.distance <= ALIKE) || keySpread <= EQUAL) return [];
  if (heads[twin.head].twin?.head === head && twin.head < head) return [];
  return [
    {
      name: "headsAlike",
      value: twin.distance,
      threshold: ALIKE,
      said: (time) =>
        `${place} and head ${twin.head + 1} have the same attention and values${time} (to ${brief(twin.distance)} of ` +
        "their size).",
      advice: "One of them is redundant. Draw its W^Q, W^K and W^V anew, or train with fewer heads.",
    },
  ];
}

/** `isLast`: its tokens may be alike, for a model that averages them. */
function layerFaults(
  { heads, size, copies, tokenCosine }: LayerRecord,
  layer: number,
  isLast: boolean,
): Omit<Finding, "layer">[] {
  const place = `Layer ${layer + 1}`;
  const ranks = heads.flatMap(({ rank }) => (rank === undefined ? [] : [rank]));
  const rank = Math.max(...ranks);
  const faults: Omit<Finding, "layer">[] = [];
  if (copies > 0 && ranks.length > 0 && rank < size) {
    faults.push({
      name: "rankLost",
      value: rank,
      threshold: size,
      said: (time) =>
        `${place}: ${copies} of ${size} tokens are copies of others${time}, and the kernel matrix has rank ${rank} ` +
        `of ${size} at most.`,
      advice: "Copies get equal outputs. Add positions that tell them apart, or mask repeated and padded tokens.",
    });
  }
  if (!isLast && tokenCosine !== undefined && 1 - tokenCosine <= COLLAPSED) {
    faults.push({
      name: "tokensAlike",
      value: tokenCosine,
      threshold: 1 - COLLAPSED,
      said: (time) => `${place}: all tokens nearly alike after it${time} (mean cosine ${tokenCosine.toPrecision(6)}).`,
      advice: "Later layers cannot tell them apart. Keep the residual, enlarge W^V and W^O, or use fewer layers.",
    });
  }
  return faults;
}

/**
 * Tensors that do not move. For one whose gradient is below rounding in a layer with another fault, that is the cause.
 */
function frozen({ weights, gradient: whole = 0 }: TrainingRecord, faulty: readonly string[]): Finding[] {
  if (!weights.some(({ update = 0 }) => update > 0)) return [];
  return weights.flatMap(({ name, shape, update, gradient }): Finding[] => {
    if (shape.length < 2 || update !== 0) return [];
    if (gradient !== undefined && gradient <= ROUNDING * whole && faulty.some((layer) => name.startsWith(layer)))
      return [];
    const why =
      gradient === undefined ? "it has no gradient in the step" : `the norm of its gradient is ${brief(gradient)}`;
    return [
      {
        name: "frozen",
        weight: name,
        value: 0,
        threshold: 0,
        said: (time) => `${name} does not move${time}, while others do; ${why}.`,
        advice: "If that is not on purpose, check that the optimiser gets it and that the loss depends on it.",
      },
    ];
  });
}

/** A step, or the steps since the record before, that change the weights too far. */
function tooFar({ step, norm, update, weights }: TrainingRecord, before: TrainingRecord | undefined): Finding[] {
  const advice = "Lower the learning rate ten times or more, or warm it up, and clip gradients.";
  if (update !== undefined && update > TOO_FAR) {
    const [most] = [...weights].sort((one, other) => (other.update ?? -1) - (one.update ?? -1));
    const said = (time: string): string =>
      `The weights change by ${brief(update)} of themselves in a step${time}, most of all ${most.name}.`;
    return [{ name: "rateTooLarge", value: update, threshold: TOO_FAR, said, advice }];
  }
  if (before === undefined || !(step > before.step)) return [];
  const growth = (norm / before.norm - 1) / (step - before.step);
  if (!(growth > TOO_FAST)) return [];
  const said = (time: string): string =>
    `The weights grow by ${brief(growth)} of themselves a step${time}, to ${brief(norm / before.norm)} times their ` +
    `size since the record before.`;
  return [{ name: "rateTooLarge", value: growth, threshold: TOO_FAST, said, advice }];
}

/** The faults that one record shows; `before` is the record before it. */
export function findingsIn(record: TrainingRecord, before?: TrainingRecord): Finding[] {
  const broken = notFinite(record);
  if (broken.length > 0) return broken; // the other measures are NaN then
  const faults = record.layers.flatMap((own, layer) => [
    ...layerFaults(own, layer, layer === record.layers.length - 1).map((fault): Finding => ({ ...fault, layer })),
    ...own.heads.flatMap((head, at) => {
      const place = `Layer ${layer + 1}, head ${at + 1}`;
      const found = [...rowFaults(head, place, record.gradient), ...alike(own, at, place)];
      return found.map((fault): Finding => ({ ...fault, layer, head: at }));
    }),
  ]);
  const faulty = faults.flatMap(({ layer }) => (layer === undefined ? [] : [record.layers[layer].name]));
  return [...faults, ...frozen(record, faulty), ...tooFar(record, before)];
}
