// Elements of A and B by their strides, zero outside the matrix. `&` has no branch: with `&&`, some drivers compile for
// seconds.
// Reads a and b, writes c: f32.

fn a_at(base: u32, row: u32, k: u32) -> f32 {
  let at = base + min(row, sizes.rows - 1u) * sizes.a_rows.x + min(k, sizes.inner - 1u) * sizes.a_inner;
  return select(0.0, a[at], (row < sizes.rows) & (k < sizes.inner));
}

fn b_at(base: u32, k: u32, column: u32) -> f32 {
  let at = base + min(k, sizes.inner - 1u) * sizes.b_inner + min(column, sizes.columns - 1u) * sizes.b_columns.x;
  return select(0.0, b[at], (k < sizes.inner) & (column < sizes.columns));
}

// Four neighbouring rows of A at one k, or columns of B.
fn a_vec4(base: u32, row: u32, k: u32) -> vec4f {
  return vec4f(a_at(base, row, k), a_at(base, row + 1u, k), a_at(base, row + 2u, k), a_at(base, row + 3u, k));
}

fn b_vec4(base: u32, k: u32, column: u32) -> vec4f {
  return vec4f(b_at(base, k, column), b_at(base, k, column + 1u), b_at(base, k, column + 2u), b_at(base, k, column + 3u));
}
