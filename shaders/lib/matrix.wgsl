// Products of float16 matrices in workgroup memory, with float32 sums, by subgroup matrices. Matrices are named by
// where they begin and by their stride; extents are multiples of 16, which UNIT_ROWS, UNIT_COLUMNS and UNIT_INNER of
// the header divide: the product that the adapter computes at once. WGSL writes columns before rows in its types.
alias Left = subgroup_matrix_left<f16, UNIT_INNER, UNIT_ROWS>;
alias Right = subgroup_matrix_right<f16, UNIT_COLUMNS, UNIT_INNER>;
alias Product = subgroup_matrix_result<f32, UNIT_COLUMNS, UNIT_ROWS>;

struct Matrix {
  at: u32,
  stride: u32,
}

// The subgroup of a lane, and how many its workgroup has; they take blocks of a product in turns. Not in private
// memory, where WGSL takes no variable for uniform.
struct Subgroup {
  number: u32,
  count: u32,
}

// C [rows, columns] = A [rows, inner] B^T for B [columns, inner].
fn multiply_transposed(own: Subgroup, c: Matrix, a: Matrix, b: Matrix, rows: u32, columns: u32, inner: u32) {
  let across = columns / UNIT_COLUMNS;
  for (var block = own.number; block < rows / UNIT_ROWS * across; block += own.count) {
    let row = block / across * UNIT_ROWS;
    let column = block % across * UNIT_COLUMNS;
    var product = Product();
    for (var k = 0u; k < inner; k += UNIT_INNER) {
      let left = subgroupMatrixLoad<Left, row_major>(&halves, a.at + row * a.stride + k, a.stride);
      let right = subgroupMatrixLoad<Right, col_major>(&halves, b.at + column * b.stride + k, b.stride);
      product = subgroupMatrixMultiplyAccumulate(left, right, product);
    }
    subgroupMatrixStore<row_major>(&floats, c.at + row * c.stride + column, product, c.stride);
  }
}

// C [rows, columns] += A [rows, inner] B for B [inner, columns].
fn add_product(own: Subgroup, c: Matrix, a: Matrix, b: Matrix, rows: u32, columns: u32, inner: u32) {
  let across = columns / UNIT_COLUMNS;
  for (var block = own.number; block < rows / UNIT_ROWS * across; block += own.count) {
    let row = block / across * UNIT_ROWS;
    let column = block % across * UNIT_COLUMNS;
    var product = subgroupMatrixLoad<Product, row_major>(&floats, c.at + row * c.stride + column, c.stride);
    for (var k = 0u; k < inner; k += UNIT_INNER) {
      let left = subgroupMatrixLoad<Left, row_major>(&halves, a.at + row * a.stride + k, a.stride);
      let right = subgroupMatrixLoad<Right, row_major>(&halves, b.at + k * b.stride + column, b.stride);
      product = subgroupMatrixMultiplyAccumulate(left, right, product);
    }
    subgroupMatrixStore<row_major>(&floats, c.at + row * c.stride + column, product, c.stride);
  }
}
