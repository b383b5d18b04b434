import { isTensor } from "../../core/is-tensor.js";
import { tensorsIn, type Backend } from "../../core/tensor.js";
import { leaves, mapTree } from "../../core/tree.js";

/** Shape and numbers of a tensor outside its backend: float32 from a GPU, float64 from the CPU. */
export interface Snapshot {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export function isSnapshot(value: unknown): value is Snapshot {
  return (
    typeof value === "object" && value !== null && "shape" in value && "data" in value && ArrayBuffer.isView(value.data)
  );
}

/** Replaces every tensor of a tree by a snapshot, bit for bit. */
export async function snapshotsOf(tree: unknown): Promise<unknown> {
  const tensors = tensorsIn(tree);
  const data = await Promise.all(tensors.map((tensor) => tensor.read()));
  let at = 0;
  return mapTree(tree, isTensor, ({ shape }): Snapshot => ({ shape, data: data[at++] }));
}

/** The inverse of `snapshotsOf`; creates new tensors. */
export function tensorsOf(snapshots: unknown, backend: Backend): unknown {
  return mapTree(snapshots, isSnapshot, ({ data, shape }) => backend.tensor(data, shape));
}

/** Assigns the numbers of snapshots to the tensors of a tree. */
export function restoreTree(tree: unknown, snapshots: unknown): void {
  const numbers = leaves(snapshots, isSnapshot);
  tensorsIn(tree).forEach((tensor, at) => tensor.assign(tensor.backend.tensor(numbers[at].data, numbers[at].shape)));
}

/** Whether every number is finite; backends accept no others. */
export function isFiniteTree(snapshots: unknown): boolean {
  return leaves(snapshots, isSnapshot).every(({ data }) => data.every(Number.isFinite));
}
