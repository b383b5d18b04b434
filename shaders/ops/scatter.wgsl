// The transpose of a lookup, without atomics: row t of the table sums the rows of dy at places[starts[t]] ..
// places[starts[t + 1] - 1]. Reads dy: f32 [ids, width], starts and places: u32, writes table_gradient: f32 [rows,
// width].

fn element(index: u32) {
  let row = quotient(index, sizes.width);
  let column = index - row * sizes.width;
  var sum = 0.0;
  for (var p = starts[row]; p < starts[row + 1u]; p++) {
    sum += dy[places[p] * sizes.width + column];
  }
  table_gradient[index] = sum;
}
