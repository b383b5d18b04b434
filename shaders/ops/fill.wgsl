// Sets all of y: u32 [count] to `word`, the bits of a float32 or of two float16.

fn element(index: u32) {
  y[index] = sizes.word;
}
