import { EPSILON } from "../autograd/rows.js";
import type { Tensor } from "../core/tensor.js";
import type { HeadSizes } from "../kernels/kernel.js";
import type { LinearParameters, NormParameters } from "../nn/linear.js";
import { geluInPlace, GELU_END } from "../numerics/gelu.js";
import { exportsOf, memoryOf, PAGE } from "../numerics/wasm.js";
import type { ComplexNumbers } from "./complex.js";
import type { EncoderShape } from "./ansatz.js";
import type { AnsatzLayer, AnsatzParameters } from "./ansatz-parameters.js";
import program from "./lanes.wat";
import { byKey, runsOnLanes, isScaledSoftmax, positionNumbers } from "./position-weights.js";

/** Images that are computed at once, one a lane. */
const LANES = 16;
/** Bytes of a number, and of a row of lanes. */
const NUMBER = 8;
const ROW = NUMBER * LANES;

/** The functions of `lanes.wat`. */
interface Program {
  readonly linear: (...numbers: number[]) => void;
  readonly norm: (...numbers: number[]) => void;
  readonly pairs: (...numbers: number[]) => void;
  readonly total: (...numbers: number[]) => void;
  readonly weights: (...numbers: number[]) => void;
}

/** log ψ of images, [images], from tokens [images, tokens, area]. */
export type LaneAmplitudes = (tokens: ArrayLike<number>) => ComplexNumbers;

/**
 * The address of weights α [heads, keys, queries], or what makes softmax scores of inner products: a factor, and the
 * address of what is added, [heads, queries, keys].
 */
type Attending =
  | { readonly of: "positions"; readonly weights: number }
  | { readonly of: "scores"; readonly scale: number; readonly bias: number };

/** A weight or a scale, and the bias or the shift: addresses. */
type Affine = readonly [factor: number, term: number];

/** A layer with its numbers in memory. */
interface LoadedLayer {
  readonly attentionNorm: Affine;
  readonly query: Affine | undefined;
  readonly key: Affine | undefined;
  readonly value: Affine;
  readonly attending: Attending;
  readonly output: Affine;
  readonly feedForwardNorm: Affine;
  readonly expand: Affine;
  readonly hidden: number;
  readonly contract: Affine;
}

/** Adds log cosh(a + ib) to the number of an image, in the operations and the order of `logCosh`. */
function addLogCosh({ re, im }: ComplexNumbers, image: number, a: number, b: number): void {
  const size = Math.abs(a);
  const [x, y] = [Math.cos(b), Math.tanh(a) * Math.sin(b)];
  re[image] += size + Math.log(Math.exp(-2 * size) + 1) + -Math.LN2 + 0.5 * Math.log(x * x + y * y);
  im[image] += Math.atan2(y, x);
}

/**
 * log ψ of images on the CPU, several at a time, to the same bits as `Ansatz.apply`. With softmax that needs a
 * Math.exp that is fdlibm's, as in V8; weights below e^-708 are 0.
 *
 * For softmax attention, with or without relative positions, and for kernels whose weights depend on positions alone.
 * Undefined for others, and without WebAssembly and its SIMD.
 */
export function laneAmplitudes(
  shape: EncoderShape,
): ((parameters: AnsatzParameters) => Promise<LaneAmplitudes>) | undefined {
  const { kernel, heads, tokens, area, width } = shape;
  const memory = runsOnLanes(kernel) ? memoryOf(1) : undefined;
  const functions = memory && exportsOf<Program>(program, memory);
  const change = memory && geluInPlace(memory);
  if (memory === undefined || functions === undefined || change === undefined) return undefined;
  const run = { ...functions, gelu: change };
  const dim = width / heads;
  const sizes: HeadSizes = { batch: 1, heads, queries: tokens, keys: tokens, dim };

  return async ({ embedding, layers, ...head }) => {
    let end = GELU_END;
    const loads: { readonly at: number; readonly numbers: ArrayLike<number> }[] = [];
    /** The address of so many numbers; an even number of them is kept free. */
    const take = (count: number): number => {
      const at = end;
      end += NUMBER * (count + (count % 2));
      return at;
    };
    const put = (numbers: ArrayLike<number>): number => {
      const at = take(numbers.length);
      loads.push({ at, numbers });
      return at;
    };
    const load = async (tensor: Tensor): Promise<number> => put(await tensor.read());
    const norm = async ({ scale, shift }: NormParameters): Promise<Affine> => [await load(scale), await load(shift)];
    const linear = async ({ weight, bias }: LinearParameters): Promise<Affine> => [
      await load(weight),
      await load(bias),
    ];
    const none = put(new Float64Array(Math.max(width, tokens)));
    const projection = async (weight: Tensor | undefined): Promise<Affine | undefined> =>
      weight && [await load(weight), none];

    function attendingOf({ learned }: AnsatzLayer): Attending {
      if (!isScaledSoftmax(kernel))
        return { of: "positions", weights: put(byKey(positionNumbers(kernel, learned, sizes), tokens)) };
      const bias = put(positionNumbers(kernel, learned, sizes));
      return { of: "scores", scale: kernel.parameters[0].initial(sizes), bias };
    }

    const first = await linear(embedding);
    const loaded: LoadedLayer[] = [];
    for (const layer of layers)
      loaded.push({
        attentionNorm: await norm(layer.attentionNorm),
        query: await projection(layer.query),
        key: await projection(layer.key),
        value: await linear(layer.value),
        attending: attendingOf(layer),
        output: await linear(layer.output),
        feedForwardNorm: await norm(layer.feedForwardNorm),
        expand: await linear(layer.expand),
        hidden: layer.expand.bias.size,
        contract: await linear(layer.contract),
      });
    const summedNorm = await norm(head.norm);
    const parts = [
      { weight: await linear(head.real), norm: await norm(head.realNorm) },
      { weight: await linear(head.imaginary), norm: await norm(head.imaginaryNorm) },
    ];
    const rows = (count: number): number => take(LANES * count);
    const [spins, x, seen] = [rows(tokens * area), rows(tokens * width), rows(tokens * width)];
    const [q, k, v, mixed] = [0, 1, 2, 3].map(() => rows(tokens * width));
    const [scores, largest, total] = [tokens, 1, 1].map(rows);
    const hidden = rows(Math.max(...loaded.map((layer) => layer.hidden), 0));
    const [summed, projected, a, b] = [0, 1, 2, 3].map(() => rows(width));
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    let numbers = new Float64Array(memory.buffer);

    /** The rows of a token. */
    const of = (start: number, token: number, size = width): number => start + token * size * ROW;
    const affine = (
      [from, to]: readonly [number, number],
      [weight, bias]: Affine,
      [inner, outer]: readonly [number, number],
      onto = 0,
    ): void => run.linear(from, weight, bias, to, inner, outer, ROW, ROW, ROW, onto);
    const normed = (from: number, [scale, shift]: Affine, to: number): void =>
      run.norm(from, scale, shift, to, width, ROW, EPSILON);

    /** Turns the products in `scores`, of one query, into the weights of softmax, in place. */
    function weigh({ scale, bias }: Attending & { of: "scores" }, head: number, query: number): void {
      const added = bias + NUMBER * (head * tokens + query) * tokens;
      run.total(scores, added, tokens, ROW, scale, largest, total);
      for (let lane = 0, at = total / NUMBER, most = largest / NUMBER; lane < LANES; lane++, at++, most++)
        numbers[at] = numbers[most] + Math.log(numbers[at]);
      run.weights(scores, total, tokens, ROW);
    }

    function attend(attending: Attending): void {
      for (let head = 0; head < heads; head++) {
        const channels = head * dim * ROW;
        if (attending.of === "positions") {
          const weights = attending.weights + NUMBER * head * tokens * tokens;
          const step = width * ROW;
          run.linear(v + channels, weights, none, mixed + channels, tokens, tokens, step, step, dim * ROW, 0);
          continue;
        }
        for (let i = 0; i < tokens; i++) {
          run.pairs(of(q, i) + channels, k + channels, scores, dim, tokens, ROW, ROW, width * ROW, ROW);
          weigh(attending, head, i);
          run.pairs(scores, v + channels, of(mixed, i) + channels, tokens, dim, ROW, width * ROW, ROW, ROW);
        }
      }
    }

    function encode(layer: LoadedLayer): void {
      const square = [width, width] as const;
      for (let token = 0; token < tokens; token++) {
        const from = of(seen, token);
        normed(of(x, token), layer.attentionNorm, from);
        affine([from, of(v, token)], layer.value, square);
        if (layer.query === undefined) continue;
        affine([from, of(q, token)], layer.query, square);
        affine([from, of(k, token)], layer.key ?? layer.query, square);
      }
      attend(layer.attending);
      for (let token = 0; token < tokens; token++) {
        const [from, to] = [of(seen, token), of(x, token)];
        affine([of(mixed, token), to], layer.output, square, 1);
        normed(to, layer.feedForwardNorm, from);
        affine([from, hidden], layer.expand, [width, layer.hidden]);
        run.gelu(hidden, hidden + layer.hidden * ROW);
        affine([hidden, to], layer.contract, [layer.hidden, width], 1);
      }
    }

    /** Fills the rows a and b, of which log ψ is Σ log cosh(a + ib). */
    function finish(): void {
      const [from, to] = [x / NUMBER, summed / NUMBER];
      numbers.fill(0, to, to + width * LANES);
      for (let token = 0, at = from; token < tokens; token++)
        for (let channel = 0; channel < width * LANES; channel++, at++) numbers[to + channel] += numbers[at];
      normed(summed, summedNorm, summed);
      for (const [part, into] of [a, b].entries()) {
        affine([summed, projected], parts[part].weight, [width, width]);
        normed(projected, parts[part].norm, into);
      }
    }

    return (cut) => {
      const size = tokens * area;
      const images = cut.length / size;
      const amplitudes = { re: new Float64Array(images), im: new Float64Array(images) };
      numbers = new Float64Array(memory.buffer); // another encoder may have made the memory grow
      for (const { at, numbers: loadedNumbers } of loads) numbers.set(loadedNumbers, at / NUMBER);
      for (let start = 0; start < images; start += LANES) {
        const count = Math.min(LANES, images - start);
        for (let lane = 0; lane < count; lane++)
          for (let spin = 0; spin < size; spin++)
            numbers[spins / NUMBER + spin * LANES + lane] = cut[(start + lane) * size + spin];
        for (let token = 0; token < tokens; token++)
          affine([of(spins, token, area), of(x, token)], first, [area, width]);
        for (const layer of loaded) encode(layer);
        finish();
        for (let channel = 0, at = a / NUMBER, bt = b / NUMBER; channel < width; channel++)
          for (let lane = 0; lane < LANES; lane++, at++, bt++)
            if (lane < count) addLogCosh(amplitudes, start + lane, numbers[at], numbers[bt]);
      }
      return amplitudes;
    };
  };
}
