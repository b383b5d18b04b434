function isBranch(value: unknown): value is readonly unknown[] | Record<string, unknown> {
  if (Array.isArray(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Every leaf that `isLeaf` accepts, depth first, in the order of the names. */
export function leaves<Leaf>(tree: unknown, isLeaf: (value: unknown) => value is Leaf): Leaf[] {
  if (isLeaf(tree)) return [tree];
  return isBranch(tree) ? Object.values(tree).flatMap((branch) => leaves(branch, isLeaf)) : [];
}

/** A copy of the tree with every leaf replaced. `path` holds the names from the root to the leaf. */
export function mapTree<Leaf, Result>(
  tree: unknown,
  isLeaf: (value: unknown) => value is Leaf,
  change: (leaf: Leaf, path: readonly string[]) => Result,
  path: readonly string[] = [],
): unknown {
  if (isLeaf(tree)) return change(tree, path);
  if (!isBranch(tree)) return tree;
  if (Array.isArray(tree))
    return tree.map((branch, index) => mapTree(branch, isLeaf, change, [...path, String(index)]));
  return Object.fromEntries(
    Object.entries(tree).map(([name, branch]) => [name, mapTree(branch, isLeaf, change, [...path, name])]),
  );
}
