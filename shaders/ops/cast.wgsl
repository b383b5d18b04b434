// The same numbers in another precision, from Taken to Stored.
// Reads x: Taken [count], writes y: Stored [count].

fn element(index: u32) {
  y[index] = Stored(x[index]);
}
