// Row ids[r] of a table, for every r. One element an invocation.
// Reads table: f32 [rows, width] and ids: u32, writes y: f32 [ids, width].

fn element(index: u32) {
  let row = quotient(index, sizes.width);
  y[index] = table[ids[row] * sizes.width + index - row * sizes.width];
}
