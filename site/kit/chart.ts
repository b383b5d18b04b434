import { scaleLinear, scaleLog, scaleSymlog } from "d3-scale";
import { count, powerOfTen, short } from "./numbers.js";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** A colour of CSS. */
  readonly color: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** "faint" for what is still to come. */
  readonly style?: "solid" | "dashed" | "dotted" | "faint";
}

/** A point that stands out. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly color: string;
}

/** Where things stand on an axis. */
export interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

const decades = (least: number, most: number): number[] =>
  Array.from({ length: Math.max(0, most - least + 1) }, (_, index) => least + index);

/**
 * Steps from 0 on, on a logarithmic axis that has a place for 0, or a linear one.
 *
 * @param last the last step
 * @param range pixels of its ends
 * @param logarithmic whether decades take equal room
 */
export function stepAxis(last: number, range: readonly [number, number], logarithmic: boolean): Axis {
  const most = Math.max(1, last);
  if (!logarithmic) {
    const scale = scaleLinear([0, most], range);
    return {
      at: scale,
      ticks: scale.ticks(range[1] - range[0] < 400 ? 4 : 8).map((value) => ({ value, text: count(value) })),
    };
  }
  const powers = decades(0, Math.floor(Math.log10(most))).map((exponent) => 10 ** exponent);
  return {
    at: scaleSymlog([0, most], range).constant(1),
    ticks: [0, ...powers].map((value) => ({ value, text: count(value) })),
  };
}

/**
 * Positive numbers on a logarithmic axis; numbers below its end, and zeros, stand at the end.
 *
 * @param values what must fit
 * @param range pixels of its ends
 * @param lowest the lowest end that is useful
 */
export function logAxis(values: readonly number[], range: readonly [number, number], lowest = 1e-18): Axis {
  const positive = values.filter((value) => Number.isFinite(value) && value >= lowest);
  const least = Math.floor(Math.log10(Math.min(1, ...positive)) - 0.05);
  const most = Math.ceil(Math.log10(Math.max(10 ** (least + 1), ...positive)) + 0.05);
  const scale = scaleLog([10 ** least, 10 ** most], range);
  const every = Math.ceil((most - least) / 8);
  return {
    at: (value) => scale(Math.min(10 ** most, Math.max(10 ** least, value))),
    ticks: decades(least, most)
      .filter((exponent) => (exponent - most) % every === 0)
      .map((exponent) => ({ value: 10 ** exponent, text: powerOfTen(exponent) })),
  };
}

/**
 * Numbers on a linear axis.
 *
 * @param values what must fit
 * @param range pixels of its ends
 */
export function linearAxis(values: readonly number[], range: readonly [number, number]): Axis {
  const finite = values.filter(Number.isFinite);
  const scale = scaleLinear([Math.min(0, ...finite), Math.max(1e-9, ...finite)], range).nice(5);
  return { at: scale, ticks: scale.ticks(5).map((value) => ({ value, text: short(value) })) };
}

/**
 * The places of a run that a chart draws: all of the first hundred, then ever rarer ones, and the last.
 *
 * @param length numbers of the run
 */
export function drawnPlaces(length: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < length; place = place < 100 ? place + 1 : Math.ceil(place * 1.015)) places.push(place);
  if (length > 0 && places.at(-1) !== length - 1) places.push(length - 1);
  return places;
}

/**
 * The `d` of an SVG path through points; a gap where a number is not finite.
 *
 * @param line its numbers
 * @param x axis across
 * @param y axis up
 */
export function pathOf({ x: xs, y: ys }: Line, x: Axis, y: Axis): string {
  let text = "";
  let move = "M";
  for (let index = 0; index < xs.length; index++) {
    if (!Number.isFinite(ys[index])) {
      move = "M";
      continue;
    }
    text += `${move}${x.at(xs[index]).toFixed(1)},${y.at(ys[index]).toFixed(1)}`;
    move = "L";
  }
  return text;
}
