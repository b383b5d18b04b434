import { EPSILON } from "../../autograd/rows.js";
import { exportsOf, memoryOf, PAGE } from "../../numerics/wasm.js";
import type { EncoderShape } from "../ansatz.js";
import type { AnsatzParameters } from "../ansatz-parameters.js";
import type { ComplexNumbers } from "../complex.js";
import { runsOnLanes, isScaledSoftmax } from "../position-weights.js";
import {
  LANES,
  load,
  NUMBER,
  ROW,
  type Affine,
  type Attending,
  type Loaded,
  type LoadedLayer,
  type Norm,
} from "./memory.js";
import program from "./program.wat";

/** The functions of `program.wat`. */
export type Program = Readonly<
  Record<
    "linear" | "outer" | "pairs" | "norm" | "normBack" | "gelu" | "geluBack" | "softmax" | "softmaxBack" | "cosh",
    (...numbers: number[]) => void
  >
>;

/** Addresses of the rows that a layer computes, by token. */
export interface Activations {
  /** The residual stream before the layer, between its parts and after it. */
  readonly x: number;
  readonly middle: number;
  readonly after: number;
  /** Normalised tokens that attention reads, and that the feed-forward layer reads. */
  readonly seen: number;
  readonly normed: number;
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly mixed: number;
  /** Softmax weights [heads, queries, keys]; those of all queries are at one place where they are not kept. */
  readonly weights: number;
  readonly weightsStep: number;
  readonly hidden: number;
  readonly gated: number;
  /** Bytes between the hidden rows of tokens; 0 where they are not kept. */
  readonly hiddenStep: number;
}

/** The rows after the layers. */
export interface Head {
  readonly summed: number;
  readonly normed: number;
  /** Of the real and the imaginary part, before and after the norm. */
  readonly projected: readonly [number, number];
  readonly out: readonly [number, number];
}

/** Parameters in the memory of a program, and what it computes with them. */
export interface Encoder {
  readonly run: Program;
  readonly loaded: Loaded;
  readonly head: Head;
  /** For each layer, with everything that derivatives need. */
  readonly kept: readonly Activations[];
  readonly spins: number;
  /** Rows for so many numbers in each lane. */
  readonly rows: (count: number) => number;
  /** The memory, after the parameters have been put there. */
  readonly enter: () => Float32Array;
  /** Computes a + ib of 16 images, of which log ψ is Σ log cosh(a + ib); the first stands in for missing ones. */
  readonly encode: (cut: ArrayLike<number>, first: number, into?: readonly Activations[]) => void;
  /** Adds log ψ of the lanes after `encode` to `found`, from `image` on; changes a + ib. */
  readonly logCosh: (found: ComplexNumbers, image: number) => void;
}

/** Factors 2 cosh(a + ib) / e^|a| of a product in float32, which does not overflow and in practice does not vanish. */
const FACTORS = 16;

/**
 * Encoders in float32, for softmax attention, with or without relative positions, and for kernels whose weights depend
 * on positions alone. They share a memory. Undefined for others, and without WebAssembly and its SIMD.
 */
export function encoderOf(shape: EncoderShape): ((parameters: AnsatzParameters) => Promise<Encoder>) | undefined {
  const { kernel, heads, tokens, area, width } = shape;
  const memory = runsOnLanes(kernel) ? memoryOf(1) : undefined;
  const functions = memory && exportsOf<Program>(program, memory);
  if (memory === undefined || functions === undefined) return undefined;
  const run = functions;
  const dim = width / heads;
  const step = width * ROW;
  let owner: unknown;

  return async (parameters) => {
    const loaded = await load(shape, parameters);
    const { layers, hidden, zeros, ones } = loaded;
    const rows = (count: number): number => loaded.take(LANES * count);
    const isOfScores = isScaledSoftmax(kernel);
    const activationsAt = (x: number, isKept: boolean): Activations => {
      const ofWidth = (isNeeded = true): number => rows(isNeeded ? tokens * width : 0);
      const seen = ofWidth();
      return {
        x,
        middle: isKept ? ofWidth() : x,
        after: isKept ? ofWidth() : x,
        seen,
        normed: isKept ? ofWidth() : seen,
        q: ofWidth(isOfScores),
        k: ofWidth(isOfScores),
        v: ofWidth(),
        mixed: ofWidth(),
        weights: rows(isOfScores ? (isKept ? heads * tokens : 1) * tokens : 0),
        weightsStep: isKept ? tokens * ROW : 0,
        hidden: rows(isKept ? tokens * hidden : hidden),
        gated: rows(isKept ? tokens * hidden : hidden),
        hiddenStep: isKept ? hidden * ROW : 0,
      };
    };
    const [spins, x] = [rows(tokens * area), rows(tokens * width)];
    const plain = activationsAt(x, false);
    const shared = layers.map(() => plain);
    const kept: Activations[] = [];
    for (let layer = 0; layer < layers.length; layer++) kept.push(activationsAt(kept.at(-1)?.after ?? x, true));
    const head: Head = {
      summed: rows(width),
      normed: rows(width),
      projected: [rows(width), rows(width)],
      out: [rows(width), rows(width)],
    };
    const size = rows(1);
    let numbers = new Float32Array(memory.buffer);
    const self = {};

    const affine = (from: number, { weight, bias, inner, outer }: Affine, to: number, onto = 0): void =>
      run.linear(from, weight, bias, to, inner, outer, ROW, ROW, ROW, onto);
    const normed = (from: number, { scale, shift }: Norm, to: number): void =>
      run.norm(from, scale, shift, to, width, EPSILON);
    const copy = (from: number, to: number): void => {
      if (from !== to) numbers.copyWithin(to / NUMBER, from / NUMBER, (from + tokens * step) / NUMBER);
    };

    function attend(attending: Attending, { q, k, v, mixed, weights, weightsStep }: Activations): void {
      for (let head = 0; head < heads; head++) {
        const channels = head * dim * ROW;
        if (attending.of === "positions") {
          const own = attending.weights + NUMBER * head * tokens * tokens;
          run.linear(v + channels, own, zeros, mixed + channels, tokens, tokens, step, step, dim * ROW, 0);
          continue;
        }
        for (let i = 0; i < tokens; i++) {
          const pair = (head * tokens + i) * tokens;
          const [query, scores] = [i * step + channels, weights + (head * tokens + i) * weightsStep];
          run.pairs(q + query, k + channels, scores, dim, tokens, ROW, ROW, step, attending.scale);
          run.softmax(scores, attending.bias + NUMBER * pair, tokens);
          run.pairs(scores, v + channels, mixed + query, tokens, dim, ROW, step, ROW, 1);
        }
      }
    }

    function encodeLayer(layer: LoadedLayer, room: Activations): void {
      for (let token = 0, at = 0; token < tokens; token++, at += step) {
        const seen = room.seen + at;
        normed(room.x + at, layer.attentionNorm, seen);
        affine(seen, layer.value, room.v + at);
        if (layer.query === undefined) continue;
        affine(seen, layer.query, room.q + at);
        affine(seen, layer.key ?? layer.query, room.k + at);
      }
      attend(layer.attending, room);
      copy(room.x, room.middle);
      for (let token = 0, at = 0; token < tokens; token++, at += step)
        affine(room.mixed + at, layer.output, room.middle + at, 1);
      copy(room.middle, room.after);
      for (let token = 0, at = 0; token < tokens; token++, at += step) {
        const [hiddenRows, gated] = [room.hidden + token * room.hiddenStep, room.gated + token * room.hiddenStep];
        normed(room.middle + at, layer.feedForwardNorm, room.normed + at);
        affine(room.normed + at, layer.expand, hiddenRows);
        run.gelu(hiddenRows, gated, hidden);
        affine(gated, layer.contract, room.after + at, 1);
      }
    }

    return {
      run,
      loaded,
      head,
      kept,
      spins,
      rows,
      enter() {
        if (owner === self) return numbers;
        owner = self;
        const missing = loaded.end() - memory.buffer.byteLength;
        if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
        numbers = new Float32Array(memory.buffer);
        loaded.fill(numbers);
        return numbers;
      },
      encode(cut, first, into = shared) {
        const length = tokens * area;
        const images = cut.length / length;
        for (let lane = 0; lane < LANES; lane++) {
          const image = first + lane < images ? first + lane : first;
          for (let spin = 0; spin < length; spin++)
            numbers[spins / NUMBER + spin * LANES + lane] = cut[image * length + spin];
        }
        for (let token = 0; token < tokens; token++)
          affine(spins + token * area * ROW, loaded.embedding, x + token * step);
        layers.forEach((layer, at) => encodeLayer(layer, into[at]));
        run.pairs(ones, into.at(-1)?.after ?? x, head.summed, tokens, width, 0, step, ROW, 1);
        normed(head.summed, loaded.norm, head.normed);
        for (const [part, { affine: projection, norm }] of loaded.parts.entries()) {
          affine(head.normed, projection, head.projected[part]);
          normed(head.projected[part], norm, head.out[part]);
        }
      },
      logCosh({ re, im }, first) {
        const count = Math.min(LANES, re.length - first);
        const [a, b] = head.out;
        for (let channel = 0; channel < width; channel += FACTORS) {
          const start = channel * ROW;
          run.cosh(a + start, b + start, size, Math.min(FACTORS, width - channel));
          for (let lane = 0; lane < count; lane++) {
            const x = numbers[(a + start) / NUMBER + lane];
            const y = numbers[(b + start) / NUMBER + lane];
            re[first + lane] += numbers[size / NUMBER + lane] + 0.5 * Math.log(x * x + y * y);
            im[first + lane] += Math.atan2(y, x);
          }
        }
        for (let lane = 0; lane < count; lane++) re[first + lane] -= width * Math.LN2;
      },
    };
  };
}
