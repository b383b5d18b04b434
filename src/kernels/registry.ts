import { gaussian } from "./gaussian.js";
import type { AttentionKernel } from "./kernel.js";
import { relativePosition } from "./relative-position.js";
import { softmax } from "./softmax.js";

/** Every kernel of the library by name, as its factory with the literature's defaults. */
export const kernels: Readonly<Record<string, () => AttentionKernel>> = {
  softmax,
  gaussian,
  gaussianNormalized: () => gaussian({ normalize: true }),
  relativePosition,
};
