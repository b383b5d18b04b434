// Results, four components at a time, for widths that are multiples of four.
alias Stored = vec4f;

fn store_part(results: ptr<storage, array<Stored>, read_write>, row: u32, part: u32, width: u32, value: vec4f) {
  (*results)[row * (width / 4u) + part] = value;
}
