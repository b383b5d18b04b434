/** `Σ_i a_i b_i` */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}

export const norm = (vector: ArrayLike<number>): number => Math.sqrt(dot(vector, vector));

/** `x + Σ_i scales[i] directions[i]` */
export function moved(x: Float64Array, directions: readonly Float64Array[], scales: readonly number[]): Float64Array {
  return x.map((value, index) =>
    directions.reduce((sum, direction, axis) => sum + scales[axis] * direction[index], value),
  );
}
