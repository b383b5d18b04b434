/**
 * Mean cosine of two different rows of a matrix [n, width], n at least 2. It is near 1 if a layer has made all tokens
 * alike.
 *
 * For unit rows u the sum over all ordered pairs is ‖Σu‖² - n. Source: representation collapse as in Nielsen et
 * al., Elliptical Attention, arXiv 2406.13770.
 */
export function meanCosine(rows: ArrayLike<number>, n: number, width: number): number {
  const sum = new Float64Array(width);
  for (let row = 0; row < n; row++) {
    let squares = 0;
    for (let column = 0; column < width; column++) squares += rows[row * width + column] ** 2;
    for (let column = 0; column < width; column++) sum[column] += rows[row * width + column] / Math.sqrt(squares);
  }
  return (sum.reduce((total, value) => total + value ** 2, 0) - n) / (n * (n - 1));
}

/**
 * Mean Euclidean distance between the attention maps of two different heads. `maps` [heads, size] has each map as one
 * row; heads is at least 2. The distance is small if heads are redundant. Source: as `meanCosine`.
 */
export function headDistance(maps: ArrayLike<number>, heads: number, size: number): number {
  let total = 0;
  for (let first = 0; first < heads; first++) {
    for (let second = first + 1; second < heads; second++) {
      let squares = 0;
      for (let at = 0; at < size; at++) squares += (maps[first * size + at] - maps[second * size + at]) ** 2;
      total += Math.sqrt(squares);
    }
  }
  return (2 * total) / (heads * (heads - 1));
}
