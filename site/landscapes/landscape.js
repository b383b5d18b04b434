import { cpu, kernels, ops, random, valueAndGrad } from "attention-kernels";
import {
  filterNormalizedDirection,
  lossSurface,
  principalDirections,
  readVector,
  roughness,
} from "attention-kernels/analysis";
import { gradientDescent, mergeParameters, singleLayer, splitParameters } from "attention-kernels/nn";
import { problemOf, stepSizeOf } from "../three-matrices/problem.js";

const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
const minus = (a, b) => a.map((value, index) => value - b[index]);
const norm = (a) => Math.sqrt(dot(a, a));
const scaled = (a, factor) => a.map((value) => factor * value);
const evenly = (low, high, count) => Array.from({ length: count }, (_, at) => low + ((high - low) * at) / (count - 1));

/** The layer of the problem with a kernel: its trained weights, and ½‖Ŷ - Y‖² as a function of them. */
function layerOf({ inputs, targets, weights }, kernel, trainable) {
  const tensor = (data) => cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);
  const [x, y] = [tensor(inputs), tensor(targets)];
  const model = singleLayer({
    kernel,
    heads: weights.query.length,
    width: inputs[0][0].length,
    outputWidth: targets[0][0].length,
  });
  const all = Object.fromEntries(Object.entries(weights).map(([name, matrices]) => [name, tensor(matrices)]));
  const { trained, frozen } = splitParameters(all, ([name]) => trainable.includes(name));
  const loss = (moving) => {
    const outputs = model.apply(mergeParameters(moving, frozen), x);
    return ops.multiply(ops.sum(ops.square(ops.subtract(outputs, y))), 0.5);
  };
  return { trained, loss };
}

/** Descends; keeps the weights of the first twenty steps, then of ever rarer ones, and of the last. */
async function walk({ trained, loss }, { stepSize, steps }) {
  const optimizer = gradientDescent({ stepSize });
  const path = { steps: [], losses: [], weights: [] };
  for (let [step, next] = [0, 0]; ; step++) {
    const { value, gradients } = valueAndGrad(loss, trained);
    const [now] = await value.read();
    if (!Number.isFinite(now)) break; // the step size is too large
    const isLast = step === steps || (step > 0 && now <= 1e-6 * path.losses[0]);
    if (step === next || isLast) {
      path.steps.push(step);
      path.losses.push(now);
      path.weights.push(await readVector(trained));
      next = step < 20 ? step + 1 : Math.ceil(1.05 * step);
    }
    if (isLast) break;
    optimizer.step(trained, gradients);
  }
  return path;
}

/** Shares of the length of weights: shorter ways are rounding. */
const ROUNDING = 1e-9;
/** How far a descent came; 0 where rounding alone moved it. */
function wayOf({ weights }) {
  const way = minus(weights.at(-1), weights[0]);
  return norm(way) > ROUNDING * norm(weights[0]) ? way : scaled(way, 0);
}

/**
 * The directions of a plane, from orthonormalised candidates; a candidate that adds nothing makes room for the next,
 * and in the end for random ones. `used` says which stand.
 */
function orthonormal(candidates, source) {
  const longest = Math.max(...candidates.map(norm));
  const directions = [];
  const used = [];
  const draws = [0, 1].map(() => source.normals(candidates[0].length));
  [...candidates, ...draws].forEach((candidate, index) => {
    const rest = directions.reduce((own, known) => minus(own, scaled(known, dot(own, known))), candidate);
    const length = norm(rest);
    if (directions.length === 2 || !(length > 1e-6 * longest)) return;
    directions.push(scaled(rest, 1 / length));
    used.push(index < candidates.length ? index : "random");
  });
  return { directions, used };
}

/** Scales (x, y) of the point of a plane that is nearest to some weights. */
function placeOn({ center, directions: [u, v] }, weights) {
  const off = minus(weights, center);
  const [uu, uv, vv] = [dot(u, u), dot(u, v), dot(v, v)];
  const [a, b] = [dot(off, u), dot(off, v)];
  const determinant = uu * vv - uv * uv;
  return [(a * vv - b * uv) / determinant, (b * uu - a * uv) / determinant];
}

/** A window around numbers, `reach` times as wide as they need with a margin. */
function around(numbers, reach, least = 0) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const half = 0.75 * reach * Math.max(high - low, least);
  return [(low + high) / 2 - half, (low + high) / 2 + half];
}

/** The plane of each kernel's picture, its window, and what spans it. */
function planesOf(layers, paths, { plane, around: middle, draw, reach }) {
  const starts = paths.map(({ weights }) => weights[0]);
  const ends = paths.map(({ weights }) => weights.at(-1));
  if (plane === "random") {
    return layers.map(({ trained }, index) => {
      const center = middle === "start" ? starts[index] : ends[index];
      const source = random(draw);
      const directions = [0, 1].map(() => filterNormalizedDirection(trained, center, source));
      return { center, directions, used: ["random", "random"], window: [0, 1].map(() => [-reach, reach]) };
    });
  }
  if (plane === "path") {
    return paths.map(({ weights }, index) => {
      const moves = weights.length > 3 && norm(wayOf(paths[index])) > 0;
      const { directions, used } = moves
        ? { directions: principalDirections(weights).directions, used: ["path", "path"] }
        : orthonormal([scaled(ends[index], 0)], random(draw));
      const own = { center: ends[index], directions };
      const places = weights.map((at) => placeOn(own, at));
      const window = [0, 1].map((axis) =>
        around(
          places.map((place) => place[axis]),
          reach,
          moves ? 0 : 1,
        ),
      );
      return { ...own, used, window };
    });
  }
  // one plane for both: it holds the common start and both ends
  const { directions, used } = orthonormal(paths.map(wayOf), random(draw));
  const common = { center: starts[0], directions };
  const places = paths.flatMap(({ weights }) => weights.map((at) => placeOn(common, at)));
  const spans = [0, 1].map((axis) => places.map((place) => place[axis]));
  const widest = Math.max(...spans.map((own) => Math.max(...own) - Math.min(...own))) || 1;
  const window = spans.map((own) => around(own, reach, widest));
  return paths.map(() => ({ ...common, used, window }));
}

/**
 * The loss of one attention layer with two kernels around their descents from one start, on a plane of the trained
 * weights. `follow` hears of every kernel's descent and surface as it is done.
 */
export async function landscape({ kernels: names, trainable, stepShare, steps, points, ...settings }, follow) {
  const problem = problemOf(settings);
  const layers = names.map((name) => layerOf(problem, kernels[name](), trainable));
  const paths = [];
  for (const [index, layer] of layers.entries()) {
    const stepSize = stepSizeOf(problem, { kernel: kernels[names[index]](), trainable, stepShare });
    paths.push({ stepSize, ...(await walk(layer, { stepSize, steps })) });
  }
  const planes = planesOf(layers, paths, settings);
  const found = [];
  for (const [index, { trained, loss }] of layers.entries()) {
    const { weights, ...path } = paths[index];
    const { center, directions, used, window } = planes[index];
    const [x, y] = window.map(([low, high]) => evenly(low, high, points));
    const { losses } = await lossSurface(loss, trained, { center, directions, x, y });
    const places = weights.map((at) => placeOn({ center, directions }, at));
    const [off, inside] = weights.reduce(
      ([all, own], at, step) => {
        const [a, b] = places[step];
        const rest = minus(at, center).map((value, k) => value - a * directions[0][k] - b * directions[1][k]);
        const whole = dot(minus(at, center), minus(at, center));
        return [all + whole, own + whole - dot(rest, rest)];
      },
      [0, 0],
    );
    const half = (points - 1) / 2;
    const middles = [
      roughness(
        x.map((_, at) => losses[at * points + half]),
        x[1] - x[0],
      ),
      roughness(losses.slice(half * points, (half + 1) * points), y[1] - y[0]),
    ];
    const inPlane = norm(wayOf(paths[index])) > 0 ? inside / off : null;
    const own = { kernel: names[index], x, y, losses, used, middles, inPlane, trained: center.length };
    found.push({ ...own, path: { ...path, x: places.map(([a]) => a), y: places.map(([, b]) => b) } });
    await follow?.(found.at(-1));
  }
  return found;
}
