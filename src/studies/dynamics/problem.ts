import { random } from "../../core/random.js";
import type { TiledKernel } from "../../kernels/kernel.js";
import type { NestedMatrices } from "../../theory/descend.js";
import { linearize } from "../../theory/linearization.js";
import { checkProblem, type WeightName } from "../../theory/problem.js";
import type { DynamicsOptions, Family } from "./options.js";
import type { Scales } from "../options.js";

const scaled = (matrices: NestedMatrices, factor: number): number[][][] =>
  matrices.map((matrix) => matrix.map((row) => row.map((value) => factor * value)));

interface Setting {
  readonly family: Family;
  readonly heads: number;
  readonly scales: Scales;
  readonly seed: number;
}

/** The problem of a seed as nested arrays; only `unitResidual` depends on `kernel`. */
export function randomProblem(
  { samples, tokens, width, outputWidth }: DynamicsOptions,
  { family, heads, scales, seed }: Setting,
  kernel: TiledKernel,
) {
  const source = random(seed);
  const draw = (count: number, rows: number, columns: number, scale = 1): number[][][] =>
    Array.from({ length: count }, () => Array.from({ length: rows }, () => Array.from(source.normals(columns, scale))));
  const weight = (name: WeightName, columns = width): number[][][] =>
    draw(heads, width, columns, scales[name] / Math.sqrt(width));
  const inputs = draw(samples, tokens, width);
  const normal = draw(samples, tokens, outputWidth);
  const weights = {
    query: weight("query"),
    key: weight("key"),
    value: weight("value"),
    output: weight("output", outputWidth),
  };
  const unit = scaled(normal, 1 / Math.hypot(...normal.flat(2)));
  switch (family) {
    case "unitTargets":
      return { inputs, targets: unit, weights };
    case "equalValues": {
      const half = width >> 1;
      const shared = inputs.map(([first, ...others]) => [
        first,
        ...others.map((token) => [...first.slice(0, half), ...token.slice(half)]),
      ]);
      const blind = weights.value.map((matrix) => matrix.map((row, index) => (index < half ? row : row.map(() => 0))));
      return { inputs: shared, targets: normal, weights: { ...weights, value: blind } };
    }
    case "unitResidual": {
      // with targets of 0 the residual equals the outputs
      const outputs = linearize(
        checkProblem({ inputs, targets: scaled(normal, 0), weights }),
        kernel,
        new Set(["query"]),
      ).residual;
      const place = (sample: number, token: number, column: number): number =>
        (sample * tokens + token) * outputWidth + column;
      return {
        inputs,
        targets: unit.map((rows, sample) =>
          rows.map((row, token) => row.map((value, column) => value + outputs[place(sample, token, column)])),
        ),
        weights,
      };
    }
  }
}
