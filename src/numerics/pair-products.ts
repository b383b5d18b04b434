import program from "./pair-products.wat";
import { exportsOf } from "./wasm.js";

type Numbers = Float64Array | Float32Array;

/** A strided view of a matrix: element (i, j) is number start + i·rowStep + j·columnStep. */
export interface Grid {
  readonly data: Numbers;
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** What two numbers x and y contribute: x·y, (x - y)² or |x - y|. */
export const pairFunctions = ["product", "squaredDifference", "absoluteDifference"] as const;
export type PairFunction = (typeof pairFunctions)[number];

/** Sizes of a block: rows of a, rows of b, and terms of a sum. All are multiples of 4. */
const [ROWS, COLUMNS, TERMS] = [64, 512, 256];
const [A, B, C] = [0, ROWS * TERMS, (ROWS + COLUMNS) * TERMS];

/** Adds pair products of packed blocks (see `pair-products.wat`) in a memory of its own. */
export interface Unit {
  readonly memory: Float64Array;
  readonly accumulate: (of: number, rows: number, columns: number, terms: number) => void;
}

/** By WebAssembly with two float64 lanes; undefined where it is forbidden or has no SIMD. */
export function wasmUnit(): Unit | undefined {
  const exports = exportsOf<{
    readonly memory: WebAssembly.Memory;
    readonly accumulate: (...numbers: number[]) => void;
  }>(program);
  if (exports === undefined) return undefined;
  return {
    memory: new Float64Array(exports.memory.buffer),
    accumulate: (of, rows, columns, terms) => exports.accumulate(of, 8 * A, 8 * B, 8 * C, rows, columns, terms),
  };
}

/** Copies rows `row` and on, terms `term` and on, into memory, four rows interleaved; missing rows are 0. */
function pack(memory: Float64Array, to: number, grid: Grid, row: number, rows: number, term: number, terms: number) {
  const { data, start, rowStep, columnStep } = grid;
  let place = to;
  for (let panel = row; panel < row + rows; panel += 4) {
    const r0 = start + panel * rowStep + term * columnStep;
    const missing = panel + 4 - grid.rows;
    if (missing <= 0) {
      const [r1, r2, r3] = [r0 + rowStep, r0 + 2 * rowStep, r0 + 3 * rowStep];
      for (let k = 0, step = 0; k < terms; k++, step += columnStep, place += 4) {
        memory[place] = data[r0 + step];
        memory[place + 1] = data[r1 + step];
        memory[place + 2] = data[r2 + step];
        memory[place + 3] = data[r3 + step];
      }
      continue;
    }
    for (let k = 0; k < terms; k++, place += 4)
      for (let r = 0; r < 4; r++) memory[place + r] = r < 4 - missing ? data[r0 + r * rowStep + k * columnStep] : 0;
  }
}

type Accumulate = (of: PairFunction, a: Grid, b: Grid, c: Grid) => void;

/** `accumulate` in plain JavaScript. */
export const accumulatePlainly: Accumulate = (of, a, b, { data, start, rows, columns, rowStep }) => {
  const [from, to, dx, dy, terms] = [a.data, b.data, a.columnStep, b.columnStep, a.columns];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = data[start + i * rowStep + j];
      let [x, y] = [a.start + i * a.rowStep, b.start + j * b.rowStep];
      if (of === "product") for (let k = 0; k < terms; k++, x += dx, y += dy) sum += from[x] * to[y];
      else
        for (let k = 0; k < terms; k++, x += dx, y += dy) {
          const difference = from[x] - to[y];
          sum += of === "squaredDifference" ? difference * difference : Math.abs(difference);
        }
      data[start + i * rowStep + j] = sum;
    }
  }
};

/** Up to so many contributions, packing would cost more than it saves. */
const FEW = 1024;

/** `accumulate` with a unit. */
export function accumulateWith(unit: Unit): Accumulate {
  const { memory } = unit;
  return (of, a, b, c) => {
    const { data, start, rows, columns, rowStep } = c;
    const index = pairFunctions.indexOf(of);
    if (rows * columns * a.columns <= FEW) {
      accumulatePlainly(of, a, b, c);
      return;
    }
    for (let j = 0; j < columns; j += COLUMNS) {
      const width = Math.min(COLUMNS, columns - j);
      const paddedWidth = Math.ceil(width / 4) * 4;
      for (let k = 0; k < a.columns; k += TERMS) {
        const terms = Math.min(TERMS, a.columns - k);
        pack(memory, B, b, j, paddedWidth, k, terms);
        for (let i = 0; i < rows; i += ROWS) {
          const height = Math.min(ROWS, rows - i);
          const paddedHeight = Math.ceil(height / 4) * 4;
          pack(memory, A, a, i, paddedHeight, k, terms);
          // rows without gaps on both sides are one run
          const [runs, run] = rowStep === width && width === paddedWidth ? [1, height * width] : [height, width];
          for (let row = 0; row < runs; row++) {
            const from = start + (i + row) * rowStep + j;
            memory.set(data.subarray(from, from + run), C + row * paddedWidth);
          }
          unit.accumulate(index, paddedHeight, paddedWidth, terms);
          for (let row = 0; row < runs; row++) {
            const from = C + row * paddedWidth;
            data.set(memory.subarray(from, from + run), start + (i + row) * rowStep + j);
          }
        }
      }
    }
  };
}

let own: Accumulate | undefined;

/**
 * c_ij += Σ_k of(a_ik, b_jk), each sum in the order of k: a [rows, terms], b [columns, terms], c [rows, columns] with
 * a column step of 1.
 */
export const accumulate: Accumulate = (of, a, b, c) => {
  if (own === undefined) {
    const unit = wasmUnit();
    own = unit === undefined ? accumulatePlainly : accumulateWith(unit);
  }
  own(of, a, b, c);
};

/** A contiguous row-major matrix, or its transpose. */
export function gridOf(data: Numbers, start: number, rows: number, columns: number, transpose = false): Grid {
  return transpose
    ? { data, start, rows: columns, columns: rows, rowStep: 1, columnStep: columns }
    : { data, start, rows, columns, rowStep: columns, columnStep: 1 };
}
