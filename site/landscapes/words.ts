import { count, percent, short } from "../kit/numbers.js";
import type { KernelName } from "../three-matrices/settings.js";
import { kernelWords } from "../three-matrices/words.js";
import type { Found } from "./landscape.js";
import type { Task } from "./settings.js";

export const planeWords: Readonly<Record<Task["plane"], string>> = {
  ends: "start and both ends",
  path: "each kernel's own way",
  random: "two random directions",
};

/** What a direction of a picture is. @param found the picture @param axis 0 for x, 1 for y @param task its task */
export function directionWords({ used }: Found, axis: 0 | 1, { kernels }: Task): string {
  const own = used[axis];
  if (own === "random") return "a random direction";
  if (own === "path") return `${axis === 0 ? "first" : "second"} principal direction`;
  return `${axis === 0 ? "to the end of" : "rest of the way of"} ${kernelWords[kernels[own]].name}`;
}

/** The lowest and the highest loss of a picture. @param found the picture */
export function extremes({ losses }: Found): readonly [lowest: number, highest: number] {
  const finite = losses.filter(Number.isFinite);
  return [Math.min(...finite), Math.max(...finite)];
}

/** The bends of a picture's middle lines, in words. @param found the picture */
export function bends(found: Found): string {
  const [low, high] = extremes(found);
  if (high - low <= 1e-9 * high) return "none: flat, up to rounding";
  const [x, y] = found.middles.map(({ concave }) => percent(concave));
  return `${x} and ${y} of the points`;
}

/** What a picture shows, as a sentence. @param found the picture @param last how far the descent is shown */
export function describe(found: Found, last: number): string {
  const [low, high] = extremes(found);
  const { steps, losses } = found.path;
  const end = Math.min(last, steps.length - 1);
  const flat = high - low <= 1e-9 * high;
  return (
    `Loss with ${kernelWords[found.kernel as KernelName].name} on a plane of ${count(found.trained)} weights: ` +
    (flat ? `flat, ${short(low)} everywhere. ` : `from ${short(low)} to ${short(high)}. `) +
    `The descent begins at ${short(losses[0])} and is at ${short(losses[end])} after ${count(steps[end])} steps.`
  );
}
