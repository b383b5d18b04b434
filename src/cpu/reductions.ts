import { sumPrimitive } from "../autograd/broadcast.js";
import {
  crossEntropyBackwardPrimitive,
  crossEntropyPrimitive,
  embeddingPrimitive,
  scatterPrimitive,
} from "../autograd/lookup.js";
import { maxPrimitive } from "../autograd/reductions.js";
import {
  layerNormBackwardPrimitive,
  layerNormPrimitive,
  softmaxBackwardPrimitive,
  softmaxPrimitive,
} from "../autograd/rows.js";
import { stridesOf } from "../core/shape.js";
import { implement, type Operand } from "./backend.js";

/** The sum or the largest element over the axes that y has once. */
function reduce(x: Operand, y: Operand, start: number, isSum: boolean): void {
  const strides = stridesOf(y.shape);
  const last = x.shape.length - 1;
  const [width, step] = last < 0 ? [1, 0] : [x.shape[last], strides[last]];
  const place = new Int32Array(Math.max(last, 0));
  const [from, to] = [x.data, y.data];
  to.fill(start);
  for (let at = 0, row = 0; at < from.length; at += width) {
    if (step === 0) {
      let value = to[row];
      for (let c = at; c < at + width; c++) value = isSum ? value + from[c] : Math.max(value, from[c]);
      to[row] = value;
    } else {
      for (let c = 0; c < width; c++) {
        const value = from[at + c];
        to[row + c * step] = isSum ? to[row + c * step] + value : Math.max(to[row + c * step], value);
      }
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis];
      if (++place[axis] < x.shape[axis]) break;
      row -= strides[axis] * x.shape[axis];
      place[axis] = 0;
    }
  }
}

/** Calls `row` with the start and end of every run along the last axis. */
function eachRow({ shape, data }: Operand, row: (start: number, end: number, index: number) => void): void {
  const width = shape.at(-1)!;
  for (let index = 0; index * width < data.length; index++) row(index * width, (index + 1) * width, index);
}

function logSumExp(x: Operand["data"], start: number, end: number): number {
  let maximum = -Infinity;
  for (let i = start; i < end; i++) maximum = Math.max(maximum, x[i]);
  let sum = 0;
  for (let i = start; i < end; i++) sum += Math.exp(x[i] - maximum);
  return maximum + Math.log(sum);
}

export const reductions = [
  implement(sumPrimitive, ([x], [y]) => reduce(x, y, 0, true)),
  implement(maxPrimitive, ([x], [y]) => reduce(x, y, -Infinity, false)),

  implement(softmaxPrimitive, ([x], [y]) =>
    eachRow(x, (start, end) => {
      const total = logSumExp(x.data, start, end);
      for (let i = start; i < end; i++) y.data[i] = Math.exp(x.data[i] - total);
    }),
  ),
  implement(softmaxBackwardPrimitive, ([y, dy], [dx]) =>
    eachRow(y, (start, end) => {
      let inner = 0;
      for (let i = start; i < end; i++) inner += y.data[i] * dy.data[i];
      for (let i = start; i < end; i++) dx.data[i] = y.data[i] * (dy.data[i] - inner);
    }),
  ),

  implement(layerNormPrimitive, (inputs, outputs, { epsilon }) => {
    const [x, scale, shift] = inputs.map(({ data }) => data);
    const [y, n, r] = outputs.map(({ data }) => data);
    const width = scale.length;
    for (let row = 0, start = 0; start < x.length; row++, start += width) {
      let sum = 0;
      for (let c = 0; c < width; c++) sum += x[start + c];
      const mean = sum / width;
      let squares = 0;
      for (let c = 0; c < width; c++) {
        const difference = x[start + c] - mean;
        squares += difference * difference; // as lanes.wat: an engine's power may round otherwise
      }
      r[row] = 1 / Math.sqrt(squares / width + epsilon);
      const factor = r[row];
      for (let c = 0; c < width; c++) {
        const normalised = (x[start + c] - mean) * factor;
        n[start + c] = normalised;
        y[start + c] = normalised * scale[c] + shift[c];
      }
    }
  }),
  implement(layerNormBackwardPrimitive, ([n, r, scale, dy], [dx, sums]) =>
    eachRow(n, (start, end, row) => {
      let mean = 0;
      let inner = 0;
      for (let i = start; i < end; i++) {
        const u = dy.data[i] * scale.data[i - start];
        mean += u / (end - start);
        inner += (n.data[i] * u) / (end - start);
      }
      for (let i = start; i < end; i++) {
        const u = dy.data[i] * scale.data[i - start];
        dx.data[i] = r.data[row] * (u - mean - n.data[i] * inner);
        sums.data[i - start] += dy.data[i] * n.data[i];
        sums.data[i - start + scale.data.length] += dy.data[i];
      }
    }),
  ),

  implement(embeddingPrimitive, ([table], [y], { ids }) => {
    const width = table.shape[1];
    ids.values.forEach((id, row) => y.data.set(table.data.subarray(id * width, (id + 1) * width), row * width));
  }),
  implement(scatterPrimitive, ([dy], [dTable], { ids }) => {
    const width = dTable.shape[1];
    ids.values.forEach((id, row) => {
      for (let c = 0; c < width; c++) dTable.data[id * width + c] += dy.data[row * width + c];
    });
  }),

  implement(crossEntropyPrimitive, ([x], [loss], { labels }) =>
    eachRow(x, (start, end, row) => {
      loss.data[row] = logSumExp(x.data, start, end) - x.data[start + labels.values[row]];
    }),
  ),
  implement(crossEntropyBackwardPrimitive, ([x, dy], [dx], { labels }) =>
    eachRow(x, (start, end, row) => {
      const total = logSumExp(x.data, start, end);
      for (let i = start; i < end; i++) {
        const hit = i - start === labels.values[row] ? 1 : 0;
        dx.data[i] = dy.data[row] * (Math.exp(x.data[i] - total) - hit);
      }
    }),
  ),
];
