import program from "./pair-products.wat";

type Numbers = Float64Array | Float32Array;

/** A matrix that lies in an array: element (i, j) is number start + i·rowStep + j·columnStep. */
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

/** Numbers in memory at a time: rows of a, rows of b, and terms of a sum. All are multiples of 4. */
const [ROWS, COLUMNS, TERMS] = [64, 512, 256];
const [A, B, C] = [0, ROWS * TERMS, (ROWS + COLUMNS) * TERMS];
const SIZE = C + ROWS * COLUMNS;

/** Adds pair products of packed blocks (see `pair-products.wat`) in a memory of `SIZE` numbers. */
export interface Unit {
  readonly memory: Float64Array;
  readonly accumulate: (of: number, rows: number, columns: number, terms: number) => void;
}

/** By WebAssembly with vectors of two numbers; undefined where it is forbidden or lacks vectors. */
export function wasmUnit(): Unit | undefined {
  try {
    const bytes = Uint8Array.from(atob(program), (character) => character.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const { memory, accumulate } = exports as unknown as {
      readonly memory: WebAssembly.Memory;
      readonly accumulate: (...numbers: number[]) => void;
    };
    return {
      memory: new Float64Array(memory.buffer),
      accumulate: (of, rows, columns, terms) => accumulate(of, 8 * A, 8 * B, 8 * C, rows, columns, terms),
    };
  } catch {
    return undefined;
  }
}

/** The same in plain JavaScript. */
export function plainUnit(): Unit {
  const memory = new Float64Array(SIZE);
  /** Products of four rows of a and four of b, in sixteen local variables. */
  const products = (a: number, b: number, c: number, columns: number, terms: number): void => {
    const [r0, r1, r2, r3] = [c, c + columns, c + 2 * columns, c + 3 * columns];
    let [c00, c01, c02, c03] = [memory[r0], memory[r0 + 1], memory[r0 + 2], memory[r0 + 3]];
    let [c10, c11, c12, c13] = [memory[r1], memory[r1 + 1], memory[r1 + 2], memory[r1 + 3]];
    let [c20, c21, c22, c23] = [memory[r2], memory[r2 + 1], memory[r2 + 2], memory[r2 + 3]];
    let [c30, c31, c32, c33] = [memory[r3], memory[r3 + 1], memory[r3 + 2], memory[r3 + 3]];
    for (let at = a, bt = b; at < a + 4 * terms; at += 4, bt += 4) {
      const [x0, x1, x2, x3] = [memory[at], memory[at + 1], memory[at + 2], memory[at + 3]];
      const [y0, y1, y2, y3] = [memory[bt], memory[bt + 1], memory[bt + 2], memory[bt + 3]];
      c00 += x0 * y0;
      c01 += x0 * y1;
      c02 += x0 * y2;
      c03 += x0 * y3;
      c10 += x1 * y0;
      c11 += x1 * y1;
      c12 += x1 * y2;
      c13 += x1 * y3;
      c20 += x2 * y0;
      c21 += x2 * y1;
      c22 += x2 * y2;
      c23 += x2 * y3;
      c30 += x3 * y0;
      c31 += x3 * y1;
      c32 += x3 * y2;
      c33 += x3 * y3;
    }
    memory[r0] = c00;
    memory[r0 + 1] = c01;
    memory[r0 + 2] = c02;
    memory[r0 + 3] = c03;
    memory[r1] = c10;
    memory[r1 + 1] = c11;
    memory[r1 + 2] = c12;
    memory[r1 + 3] = c13;
    memory[r2] = c20;
    memory[r2 + 1] = c21;
    memory[r2 + 2] = c22;
    memory[r2 + 3] = c23;
    memory[r3] = c30;
    memory[r3 + 1] = c31;
    memory[r3 + 2] = c32;
    memory[r3 + 3] = c33;
  };
  const differences = (of: number, a: number, b: number, c: number, columns: number, terms: number): void => {
    for (let row = 0; row < 4; row++) {
      for (let column = 0; column < 4; column++) {
        let sum = memory[c + row * columns + column];
        for (let term = 0; term < 4 * terms; term += 4) {
          const difference = memory[a + term + row] - memory[b + term + column];
          sum += of === 1 ? difference * difference : Math.abs(difference);
        }
        memory[c + row * columns + column] = sum;
      }
    }
  };
  return {
    memory,
    accumulate(of, rows, columns, terms) {
      for (let row = 0; row < rows; row += 4) {
        for (let column = 0; column < columns; column += 4) {
          const [a, b, c] = [A + row * terms, B + column * terms, C + row * columns + column];
          if (of === 0) products(a, b, c, columns, terms);
          else differences(of, a, b, c, columns, terms);
        }
      }
    },
  };
}

/** Copies rows `row` and on, terms `term` and on, into memory, four rows beside each other; missing rows are 0. */
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

/** Up to so many contributions, packing takes longer than the sums. */
const FEW = 1024;

function accumulateFew(of: number, a: Grid, b: Grid, { data, start, rows, columns, rowStep }: Grid): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = data[start + i * rowStep + j];
      let [x, y] = [a.start + i * a.rowStep, b.start + j * b.rowStep];
      for (let k = 0; k < a.columns; k++, x += a.columnStep, y += b.columnStep) {
        const difference = a.data[x] - b.data[y];
        if (of === 0) sum += a.data[x] * b.data[y];
        else sum += of === 1 ? difference * difference : Math.abs(difference);
      }
      data[start + i * rowStep + j] = sum;
    }
  }
}

/** `accumulate` with a unit. */
export function accumulateWith(unit: Unit): (of: PairFunction, a: Grid, b: Grid, c: Grid) => void {
  const { memory } = unit;
  return (of, a, b, c) => {
    const { data, start, rows, columns, rowStep } = c;
    const index = pairFunctions.indexOf(of);
    if (rows * columns * a.columns <= FEW) {
      accumulateFew(index, a, b, c);
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
          for (let row = 0; row < height; row++) {
            const from = start + (i + row) * rowStep + j;
            memory.set(data.subarray(from, from + width), C + row * paddedWidth);
          }
          unit.accumulate(index, paddedHeight, paddedWidth, terms);
          for (let row = 0; row < height; row++) {
            const from = C + row * paddedWidth;
            data.set(memory.subarray(from, from + width), start + (i + row) * rowStep + j);
          }
        }
      }
    }
  };
}

type Accumulate = ReturnType<typeof accumulateWith>;

let own: Accumulate | undefined;

/**
 * c_ij += Σ_k of(a_ik, b_jk), each sum in the order of k: a [rows, terms], b [columns, terms], c [rows, columns] with
 * columns beside each other.
 */
export const accumulate: Accumulate = (of, a, b, c) => (own ??= accumulateWith(wasmUnit() ?? plainUnit()))(of, a, b, c);

/** A matrix of `rows` rows without gaps, or its transpose. */
export function gridOf(data: Numbers, start: number, rows: number, columns: number, transpose = false): Grid {
  return transpose
    ? { data, start, rows: columns, columns: rows, rowStep: 1, columnStep: columns }
    : { data, start, rows, columns, rowStep: columns, columnStep: 1 };
}
