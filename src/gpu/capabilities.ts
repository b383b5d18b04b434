import type { DeviceDescription } from "../core/tensor.js";
import { MATRIX_FEATURE } from "./adapter.js";
import { chooseMatrixUnit, type MatrixUnit, type SubgroupMatrixConfiguration } from "./matrix-unit.js";

/** Which form of a pass an adapter gets; every form computes the same. */
export interface Capabilities {
  /**
   * Lanes of a workgroup for passes that share loads by subgroup broadcast; undefined where workgroup memory is better.
   */
  readonly broadcastLanes: number | undefined;
  /**
   * Pairs of tokens that a pass computes with a program that compiles fast: its loops are not unrolled, and an
   * invocation has one row. Then an unrolled program takes its place, for long sequences with several rows: it runs
   * faster and compiles for longer. 0 means unrolled programs from the start.
   */
  readonly shortRunPairs: number;
  /** Blocks in registers, out of workgroup memory. */
  readonly tiles: boolean;
  /**
   * The product of passes by subgroup matrices over float16; undefined where they were not asked for, or have none that
   * fits.
   */
  readonly matrixUnit: MatrixUnit | undefined;
}

/** On lavapipe the longer program compiles for seconds; work of so many pairs will go on. */
const SHORT_RUN_PAIRS = 2 ** 26;

/** What Dawn says of an adapter beyond the standard. */
interface DawnInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: readonly SubgroupMatrixConfiguration[];
}

/**
 * Software adapters pay for a load as much as for forty multiply-adds and run one subgroup at a time, so there
 * subgroups share their loads; on hardware, blocks in registers do, out of workgroup memory: a load from there costs as
 * much as several multiply-adds.
 */
export function capabilitiesOf(device: GPUDevice, { kind, name }: DeviceDescription): Capabilities {
  const { subgroupMinSize = 0 } = device.adapterInfo;
  const broadcast = kind === "software" && device.features.has("subgroups") && subgroupMinSize >= 4;
  const { subgroupMatrixConfigs = [] }: DawnInfo = device.adapterInfo;
  const matrices = [MATRIX_FEATURE, "shader-f16", "subgroups"].every((feature) => device.features.has(feature));
  return {
    broadcastLanes: broadcast ? subgroupMinSize : undefined,
    shortRunPairs: /llvmpipe/.test(name) ? SHORT_RUN_PAIRS : 0,
    tiles: kind === "hardware",
    matrixUnit: matrices ? chooseMatrixUnit(subgroupMatrixConfigs) : undefined,
  };
}
