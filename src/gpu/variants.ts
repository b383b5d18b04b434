import type { DeviceDescription } from "../core/tensor.js";

/** Which form of a pass an adapter gets; every form computes the same. */
export interface Variants {
  /** Lanes of a workgroup for passes that share loads by subgroup broadcast; undefined where workgroup memory is better. */
  readonly broadcastLanes: number | undefined;
  /** Blocks in registers, out of workgroup memory. */
  readonly tiles: boolean;
}

/**
 * Software adapters pay for a load as much as for forty multiply-adds and run one subgroup at a time, so there subgroups
 * share their loads; on hardware, blocks in registers do, out of workgroup memory: a load from there costs as much as several multiply-adds.
 */
export function chooseVariants(device: GPUDevice, { kind }: DeviceDescription): Variants {
  const { subgroupMinSize = 0 } = device.adapterInfo;
  const broadcast = kind === "software" && device.features.has("subgroups") && subgroupMinSize >= 4;
  return { broadcastLanes: broadcast ? subgroupMinSize : undefined, tiles: kind === "hardware" };
}
