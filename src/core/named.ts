/**
 * The values of a list by their names; those behind its end are missing. Tapes and backends pass on lists, in the order
 * of the names.
 */
export function named<Name extends string, Value>(
  names: readonly Name[],
  list: readonly Value[],
): { readonly [N in Name]?: Value } {
  return Object.fromEntries(names.map((name, index) => [name, list[index]])) as { [N in Name]?: Value };
}
