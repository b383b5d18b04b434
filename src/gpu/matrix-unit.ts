/** Extents of the passes' blocks are multiples of it; those of a product that an adapter computes at once divide it. */
export const EDGE = 16;

/** A product that the adapter computes at once: C [M, N] += A [M, K] B [K, N]. */
export interface MatrixUnit {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** An entry of the adapter's `subgroupMatrixConfigs`, of Dawn's chromium-experimental-subgroup-matrix. */
export interface SubgroupMatrixConfiguration extends MatrixUnit {
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** The largest product of float16 with float32 sums whose extents divide the edge. */
export function chooseMatrixUnit(configurations: readonly SubgroupMatrixConfiguration[]): MatrixUnit | undefined {
  const fitting = configurations.filter(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === "f16" && resultComponentType === "f32" && [M, N, K].every((extent) => EDGE % extent === 0),
  );
  const size = ({ M, N, K }: MatrixUnit): number => M * N * K;
  return fitting.reduce<MatrixUnit | undefined>(
    (best, next) => (best !== undefined && size(best) >= size(next) ? best : next),
    undefined,
  );
}
