/** Worst-case error of numbers of size `scale` computed by sums over `size` terms: `ε·size·scale`. */
export function worstCaseRounding(size: number, scale: number): number {
  return Number.EPSILON * size * scale;
}

/** Typical error of the same sums: `(ε/2)·√size·scale` (Higham and Mary, SIAM J. Sci. Comput. 41, 2019). */
export function typicalRounding(size: number, scale: number): number {
  return (Number.EPSILON / 2) * Math.sqrt(size) * scale;
}
