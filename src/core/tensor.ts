import { ArgumentError } from "./errors.js";
import { printsAsText } from "./printing.js";
import { formatShape, sizeOf, type Shape } from "./shape.js";
import { leaves } from "./tree.js";

/** How a number is stored: float16 and float32 on a GPU, float64 on the cpu backend. */
export type DType = "f16" | "f32" | "f64";

export interface TensorOptions {
  /** Default: the backend's own, float32 on a GPU and float64 on the CPU. */
  readonly dtype?: DType;
}

/**
 * One step of computation, defined once and implemented by every backend: what it is called and which shapes it gives.
 * `Attributes` are the numbers and flags that are not tensors.
 */
export interface Primitive<Attributes> {
  readonly name: string;
  /** The shapes of the outputs; throws a `ShapeError` for inputs that do not fit. */
  infer(shapes: readonly Shape[], attributes: Attributes): readonly Shape[];
  /** The dtypes of the outputs; a primitive without it takes and gives the backend's own alone. */
  dtypes?(inputs: readonly DType[], attributes: Attributes): readonly DType[];
  /** The operation that it is in a call, where one primitive serves several. Default: its name. */
  operation?(attributes: Attributes): string;
}

/** Where the numbers live. */
export interface DeviceDescription {
  readonly kind: "cpu" | "hardware" | "software";
  /** The adapter's own name, such as "llvmpipe (LLVM 15.0.6, 256 bits)". */
  readonly name: string;
}

/** The two backends, `cpu` and `Gpu`, have the same methods and the same results within rounding. */
export interface Backend {
  readonly name: "cpu" | "gpu";
  readonly device: DeviceDescription;
  /** What its tensors may store, its own first: float32 on a GPU, and float16 where the adapter has shader-f16; float64 on the CPU. */
  readonly dtypes: readonly DType[];
  /** A tensor of these numbers, row-major; `shape` defaults to one axis. Rejects NaN and infinity. */
  tensor(data: ArrayLike<number>, shape?: Shape, options?: TensorOptions): Tensor;
  /** A tensor with one value everywhere. */
  full(value: number, shape: Shape, options?: TensorOptions): Tensor;
  /** Runs `body` and disposes every tensor made inside it except those in its result. */
  scope<Result>(body: () => Result): Result;
  /** Takes a tensor out of every open scope. */
  keep(tensor: Tensor): Tensor;
  /** Its kind and its device's name. */
  toString(): string;
  /** Queues one primitive. @internal */
  run<Attributes>(primitive: Primitive<Attributes>, inputs: readonly Tensor[], attributes: Attributes): Tensor[];
}

/** A backend's memory behind one or more tensors. */
export interface Storage {
  readonly dtype: DType;
  /** The numbers, where they are at hand. */
  readonly data?: ArrayLike<number>;
  read(size: number): Promise<Float32Array | Float64Array>;
  release(): void;
}

interface Shared {
  readonly storage: Storage;
  references: number;
}

/**
 * An array of numbers on one backend, row-major, with a shape.
 *
 * Tensors are made by a backend (`cpu.tensor`, `gpu.tensor`) and by operations. Operations never change a tensor;
 * only optimisers replace what a parameter holds.
 */
export class Tensor {
  #shared: Shared | undefined;
  readonly dtype: DType;
  readonly shape: Shape;

  /** @internal Made by backends and by `reshape`. */
  constructor(
    readonly backend: Backend,
    shape: Shape,
    memory: Storage | Tensor,
  ) {
    this.shape = Object.freeze([...shape]); // the caller's own array may change
    this.dtype = memory.dtype;
    this.#shared = memory instanceof Tensor ? memory.#share("reshape") : { storage: memory, references: 1 };
    scopes.at(-1)?.add(this);
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#shared === undefined;
  }

  /**
   * The numbers, row-major: a Float32Array from a GPU (of float16 the exact values), a Float64Array from the CPU.
   *
   * The only way back to JavaScript, and the only place that waits for the device. Rejects, every time, with the `DeviceError` of the
   * work there that failed to compute it or what it was computed from, and with an `ArgumentError` when the tensor was disposed.
   */
  async read(): Promise<Float32Array | Float64Array> {
    return this.memory("read").read(this.size);
  }

  /** The memory behind the tensor. @internal */
  memory(where: string): Storage {
    if (this.#shared === undefined) {
      throw new ArgumentError({
        where,
        wanted: "a live tensor",
        got: `a disposed tensor of shape [${this.shape.join(", ")}]`,
        fix: "Tensors made inside scope() or valueAndGrad() end with it: return them from it, or keep() them.",
      });
    }
    return this.#shared.storage;
  }

  /** Moves the memory of `source` into this tensor; `source` is disposed. @internal */
  assign(source: Tensor): void {
    const incoming = source.#share("assign");
    source.dispose();
    this.dispose();
    this.#shared = incoming;
  }

  /** Gives the memory back. Idempotent. */
  dispose(): void {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared !== undefined && --shared.references === 0) shared.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Shape, dtype and backend, with the first numbers where they are on the CPU; read() gives all of them. */
  toString(): string {
    const what = `Tensor ${formatShape(this.shape)} ${this.dtype} on ${this.backend.name} (${this.backend.device.name})`;
    if (this.#shared === undefined) return `${what}, disposed`;
    const { data } = this.#shared.storage;
    if (data === undefined) return `${what}; await read() gives its numbers`;
    const first = Array.from({ length: Math.min(this.size, SHOWN) }, (_, at) => Number(data[at].toPrecision(6)));
    return `${what}: ${first.join(", ")}${this.size > SHOWN ? ", ...; await read() gives them all" : ""}`;
  }

  #share(where: string): Shared {
    this.memory(where);
    const shared = this.#shared as Shared;
    shared.references++;
    return shared;
  }
}

Object.assign(Tensor.prototype, printsAsText);

/** How many numbers a tensor shows of itself. */
const SHOWN = 8;

/** Named tensors in any nesting of records and arrays. */
export type ParameterTree = Tensor | readonly ParameterTree[] | { readonly [name: string]: ParameterTree };

export function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** The tensors of a tree, depth first, in the order of the names. */
export const tensorsIn = (tree: unknown): Tensor[] => leaves(tree, isTensor);

/** How many numbers the tensors of a tree hold. */
export const parameterCount = (tree: unknown): number => tensorsIn(tree).reduce((total, { size }) => total + size, 0);

/** Frees the memory of the tensors of a tree. */
export function disposeTree(tree: unknown): void {
  for (const tensor of tensorsIn(tree)) tensor.dispose();
}

const scopes: Set<Tensor>[] = [];

/**
 * Runs `body` and disposes every tensor made inside it, except those in its result (tensors, or any nesting of arrays and
 * records of them) and those given to `keep`. `body` must be synchronous.
 */
export function scope<Result>(body: () => Result): Result {
  if (typeof body !== "function") throw new ArgumentError({ where: "scope", argument: "body", wanted: "a function", got: typeof body });
  const made = new Set<Tensor>();
  scopes.push(made);
  let kept: readonly Tensor[] = [];
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new ArgumentError({
        where: "scope",
        argument: "body",
        wanted: "a synchronous function",
        got: "one that returns a promise",
        fix: "Return the tensors from the scope and await read() outside it.",
      });
    }
    kept = tensorsIn(result);
    return result;
  } finally {
    scopes.pop();
    const outer = scopes.at(-1);
    for (const tensor of kept) {
      if (made.delete(tensor)) outer?.add(tensor);
    }
    for (const tensor of made) tensor.dispose();
  }
}

/** Whether an open scope will dispose the tensor. */
export function isScoped(tensor: Tensor): boolean {
  return scopes.some((made) => made.has(tensor));
}

/** Takes a tensor out of every scope that is open; its owner disposes it. */
export function keep(tensor: Tensor): Tensor {
  for (const made of scopes) made.delete(tensor);
  return tensor;
}
