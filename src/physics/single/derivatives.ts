import { EPSILON } from "../../autograd/rows.js";
import type { EncoderShape } from "../ansatz.js";
import type { ComplexNumbers } from "../complex.js";
import type { Encoder, Activations } from "./encoder.js";
import { GROUP, LANES, NUMBER, ROW, type Affine, type LoadedLayer, type Norm } from "./memory.js";

function addTo(sums: Float64Array, start: number, numbers: Float32Array): void {
  for (let at = 0; at < numbers.length; at++) sums[start + at] += numbers[at];
}

/** Derivatives of rows: by the parameters [rows, P], and by what the kernels make of positions [rows, ·]. */
export interface RowDerivatives {
  readonly parameters: ComplexNumbers;
  readonly positions: ComplexNumbers;
}

/** Writes Σ_g w_g ∂ log ψ(gσ) for rows of `images` images gσ each, with the `weights` w of all images. */
export type Derivatives = (
  cut: ArrayLike<number>,
  weights: ComplexNumbers,
  images: number,
  into: RowDerivatives,
) => void;

/** The derivatives of log ψ by the parameters of an `encoder`, for a multiple of four images a row. */
export function derivativesOf({ heads, tokens, area, width }: EncoderShape, encoder: Encoder): Derivatives {
  const { run, loaded, head, kept, spins, rows } = encoder;
  const { length, ones, zeros, layers, hidden } = loaded;
  const dim = width / heads;
  const step = width * ROW;
  // Cotangents of the residual stream, of normed tokens, of q, k, v and of mixed values; terms of those of a scale.
  const [dx, dn, dq, dk, dv, dm, terms] = [0, 1, 2, 3, 4, 5, 6].map(() => rows(tokens * width));
  const dh = rows(tokens * hidden);
  const dw = rows(layers.some(({ attending }) => attending.of === "scores") ? heads * tokens * tokens : 0);
  const [da, db, dp] = [rows(width), rows(width), rows(width)];
  // every group of images has sums of its own
  const own = NUMBER * GROUP * Math.ceil(length / GROUP);
  const sums = loaded.take((own / NUMBER) * (LANES / GROUP));

  const each = (work: (at: number) => void): void => {
    for (let token = 0; token < tokens; token++) work(token * step);
  };
  const back = (from: number, { transposed, inner, outer }: Affine, to: number, onto = 0): void =>
    run.linear(from, transposed, zeros, to, outer, inner, ROW, ROW, ROW, onto);
  const place = (at: number): number => sums + NUMBER * at;
  const addBias = (at: number, g: number, gTerm: number, count: number, outer: number): void =>
    run.outer(ones, g, count, 0, gTerm, 1, 0, outer, ROW, place(at), own);
  /** Adds the derivatives by a matrix and a bias, from what they read and the cotangents of what they give. */
  const addAffine = (
    { weightPlace, biasPlace, inner, outer }: Affine,
    [x, xTerm]: readonly [number, number],
    [g, gTerm]: readonly [number, number],
    count = tokens,
  ): void => {
    run.outer(x, g, count, xTerm, gTerm, inner, ROW, outer, ROW, place(weightPlace), own);
    if (biasPlace !== undefined) addBias(biasPlace, g, gTerm, count, outer);
  };
  /** Adds the derivatives by a norm of x, and its cotangents to those of x. */
  const backNorm = (norm: Norm, x: number, g: number, to: number, count = tokens): void => {
    for (let token = 0, at = 0; token < count; token++, at += step)
      run.normBack(x + at, norm.scale, g + at, to + at, terms + at, width, EPSILON);
    addBias(norm.scalePlace, terms, step, count, width);
    addBias(norm.shiftPlace, g, step, count, width);
  };

  function backAttention({ attending, positionsPlace }: LoadedLayer, { q, k, v, weights }: Activations): void {
    const pairs = tokens * tokens;
    for (let head = 0; head < heads; head++) {
      const channels = head * dim * ROW;
      const [given, values, dValues] = [dm + channels, v + channels, dv + channels];
      if (attending.of === "positions") {
        const matrix = attending.transposed + NUMBER * head * pairs;
        run.linear(given, matrix, zeros, dValues, tokens, tokens, step, step, dim * ROW, 0);
        const at = place(positionsPlace + head * pairs);
        run.outer(given, values, dim, ROW, ROW, tokens, step, tokens, step, at, own);
        continue;
      }
      const { scale } = attending;
      const [p, ds] = [weights, dw].map((start) => start + head * pairs * ROW);
      for (let i = 0; i < tokens; i++) {
        const [from, row] = [i * tokens * ROW, i * step];
        run.pairs(given + row, values, ds + from, dim, tokens, ROW, ROW, step, 1);
        run.softmaxBack(p + from, ds + from, tokens);
        run.pairs(ds + from, k + channels, dq + channels + row, tokens, dim, ROW, step, ROW, scale);
      }
      for (let j = 0; j < tokens; j++) {
        const [from, row] = [j * ROW, channels + j * step];
        run.pairs(ds + from, q + channels, dk + row, tokens, dim, tokens * ROW, step, ROW, scale);
        run.pairs(p + from, given, dv + row, tokens, dim, tokens * ROW, step, ROW, 1);
      }
    }
    if (attending.of === "scores") addBias(positionsPlace, dw, ROW, 1, heads * pairs);
  }

  /** Turns the cotangents of what a layer gives into those of what it reads, in `dx`. */
  function backLayer(layer: LoadedLayer, room: Activations): void {
    const { hiddenStep } = room;
    for (let token = 0; token < tokens; token++) back(dx + token * step, layer.contract, dh + token * hiddenStep);
    addAffine(layer.contract, [room.gated, hiddenStep], [dx, step]);
    run.geluBack(room.hidden, dh, tokens * hidden);
    addAffine(layer.expand, [room.normed, step], [dh, hiddenStep]);
    for (let token = 0; token < tokens; token++) back(dh + token * hiddenStep, layer.expand, dn + token * step);
    backNorm(layer.feedForwardNorm, room.middle, dn, dx);
    each((at) => back(dx + at, layer.output, dm + at));
    addAffine(layer.output, [room.mixed, step], [dx, step]);
    backAttention(layer, room);
    each((at) => back(dv + at, layer.value, dn + at));
    addAffine(layer.value, [room.seen, step], [dv, step]);
    if (layer.query !== undefined) {
      for (const [matrix, g] of [
        [layer.query, dq],
        [layer.key ?? layer.query, dk],
      ] as const) {
        each((at) => back(g + at, matrix, dn + at, 1));
        addAffine(matrix, [room.seen, step], [g, step]);
      }
    }
    backNorm(layer.attentionNorm, room.x, dn, dx);
  }

  /** Adds the derivatives by all parameters, from the cotangents of a and b in `da` and `db`. */
  function backward(numbers: Float32Array): void {
    const clear = (at: number): unknown => numbers.fill(0, at / NUMBER, (at + step) / NUMBER);
    numbers.fill(0, sums / NUMBER, (sums + own * (LANES / GROUP)) / NUMBER);
    clear(dn);
    for (const [part, g] of [da, db].entries()) {
      const { affine, norm } = loaded.parts[part];
      clear(dp);
      backNorm(norm, head.projected[part], g, dp, 1);
      addAffine(affine, [head.normed, 0], [dp, 0], 1);
      back(dp, affine, dn, 1);
    }
    clear(dx);
    backNorm(loaded.norm, head.summed, dn, dx, 1);
    each((at) => numbers.copyWithin((dx + at) / NUMBER, dx / NUMBER, (dx + step) / NUMBER));
    for (let layer = layers.length - 1; layer >= 0; layer--) backLayer(layers[layer], kept[layer]);
    addAffine(loaded.embedding, [spins, area * ROW], [dx, step]);
  }

  return (cut, { re, im }, images, { parameters, positions }) => {
    const numbers = encoder.enter();
    for (const { re: x, im: y } of [parameters, positions]) [x, y].forEach((sum) => sum.fill(0));
    const count = loaded.parameters;
    const rest = length - count;
    /** w tanh(a + ib) of a channel and a lane. */
    const cotangents = { re: new Float64Array(width * LANES), im: new Float64Array(width * LANES) };
    const [re0, im0] = head.out.map((start) => start / NUMBER);
    for (let first = 0; first < re.length; first += LANES) {
      encoder.encode(cut, first, kept);
      for (let at = 0; at < width * LANES; at++) {
        const image = first + (at % LANES);
        const [wr, wi] = image < re.length ? [re[image], im[image]] : [0, 0];
        const [a, b] = [numbers[re0 + at], numbers[im0 + at]];
        // tanh(a + ib), with numerator and denominator times 2 e^(-2|a|)
        const t = Math.exp(-2 * Math.abs(a));
        const size = 1 + t * t + 2 * t * Math.cos(2 * b);
        const [x, y] = [(Math.sign(a) * (1 - t * t)) / size, (2 * t * Math.sin(2 * b)) / size];
        cotangents.re[at] = wr * x - wi * y;
        cotangents.im[at] = wr * y + wi * x;
      }
      for (const part of ["re", "im"] as const) {
        // of f(a + ib): f' by a and i f' by b
        numbers.set(cotangents[part], da / NUMBER);
        numbers.set(part === "re" ? cotangents.im.map((value) => -value) : cotangents.re, db / NUMBER);
        backward(numbers);
        for (let group = 0; group < LANES / GROUP && first + group * GROUP < re.length; group++) {
          const row = Math.floor((first + group * GROUP) / images);
          const from = (sums + group * own) / NUMBER;
          addTo(parameters[part], row * count, numbers.subarray(from, from + count));
          addTo(positions[part], row * rest, numbers.subarray(from + count, from + length));
        }
      }
    }
  };
}
