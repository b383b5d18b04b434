import { isTensor, tensorsIn, type Backend } from "../../core/tensor.js";
import { leaves, mapTree } from "../../core/tree.js";

/** The numbers of a tensor outside its backend: float32 of a GPU, float64 of the CPU. */
export interface Snapshot {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "shape" in value && "data" in value && ArrayBuffer.isView(value.data);
}

/** The tree with a snapshot, bit for bit, for every tensor. */
export async function snapshotsOf(tree: unknown): Promise<unknown> {
  const tensors = tensorsIn(tree);
  const data = await Promise.all(tensors.map((tensor) => tensor.read()));
  let at = 0;
  return mapTree(tree, isTensor, ({ shape }): Snapshot => ({ shape, data: data[at++] }));
}

/** The inverse of `snapshotsOf`: new tensors. */
export function tensorsOf(snapshots: unknown, backend: Backend): unknown {
  return mapTree(snapshots, isSnapshot, ({ data, shape }) => backend.tensor(data, shape));
}

/** Gives the tensors of a tree the numbers of their snapshots. */
export function restoreTree(tree: unknown, snapshots: unknown): void {
  const numbers = leaves(snapshots, isSnapshot);
  tensorsIn(tree).forEach((tensor, at) => tensor.assign(tensor.backend.tensor(numbers[at].data, numbers[at].shape)));
}

/** Whether no number is NaN or infinite: backends take no others. */
export function isFiniteTree(snapshots: unknown): boolean {
  return leaves(snapshots, isSnapshot).every(({ data }) => data.every(Number.isFinite));
}
