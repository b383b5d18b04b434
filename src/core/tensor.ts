import { ArgumentError, UnsupportedError } from "./errors.js";
import { openTapes } from "./open-tapes.js";
import { printsAsText } from "./printing.js";
import { formatShape, sizeOf, type Shape } from "./shape.js";
import { TENSOR } from "./tensor-mark.js";
import { leaves } from "./tree.js";

/** How a number is stored: float16 and float32 on a GPU, float64 on the cpu backend. */
export type DType = "f16" | "f32" | "f64";

/** Options of a tensor. */
export interface TensorOptions {
  /** Default: the backend's own, float32 on a GPU and float64 on the CPU. */
  readonly dtype?: DType;
}

/**
 * One step of computation: its name and the rule for its shapes. Every backend implements it.
 * `Attributes` are its arguments that are not tensors.
 */
export interface Primitive<Attributes> {
  readonly name: string;
  /** The shapes of the outputs; throws a `ShapeError` for inputs that do not fit. */
  infer(shapes: readonly Shape[], attributes: Attributes): readonly Shape[];
  /** The dtypes of the outputs. Without it, inputs and outputs have the backend's default dtype. */
  dtypes?(inputs: readonly DType[], attributes: Attributes): readonly DType[];
  /** Operation name for error messages, if one primitive serves several operations. Default: `name`. */
  operation?(attributes: Attributes): string;
}

/** The device that stores and computes the numbers. */
export interface DeviceDescription {
  readonly kind: "cpu" | "hardware" | "software";
  /** The adapter's own name, such as "llvmpipe (LLVM 15.0.6, 256 bits)". */
  readonly name: string;
}

/** The two backends, `cpu` and `Gpu`, have the same methods and the same results within rounding. */
export interface Backend {
  readonly name: "cpu" | "gpu";
  readonly device: DeviceDescription;
  /**
   * The dtypes of its tensors, the default first: float64 on the CPU; on a GPU float32, and float16 if the adapter has
   * shader-f16.
   */
  readonly dtypes: readonly DType[];
  /**
   * A tensor of these numbers, row-major; `shape` defaults to one axis. Throws a `NonFiniteError` for NaN and infinity.
   */
  tensor(data: ArrayLike<number>, shape?: Shape, options?: TensorOptions): Tensor;
  /** A tensor whose elements all have one value. */
  full(value: number, shape: Shape, options?: TensorOptions): Tensor;
  /** Runs `body` and disposes every tensor made inside it except those in its result. */
  scope<Result>(body: () => Result): Result;
  /** Removes a tensor from every open scope, so that they do not dispose it. */
  keep(tensor: Tensor): Tensor;
  /** The backend's kind and its device's name. */
  toString(): string;
  /**
   * A tensor of numbers of another backend, which may be NaN and infinite. They may become its storage, so nobody else
   * may use them. @internal
   */
  adopt(numbers: ArrayLike<number>, shape: Shape, dtype: DType): Tensor;
  /** Whether operations are only collected, so that tensors get no numbers. @internal */
  readonly rehearsing: boolean;
  /** Whether matrix products read and write heads where they lie (`MatmulHeads`). @internal */
  readonly joinsHeads: boolean;
  /** Queues one primitive. @internal */
  run<Attributes>(primitive: Primitive<Attributes>, inputs: readonly Tensor[], attributes: Attributes): Tensor[];
}

/** Memory of a backend, shared by one or more tensors. */
export interface Storage {
  readonly dtype: DType;
  /** The numbers, if they are in JavaScript's memory. */
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
 * Backends (`cpu.tensor`, `gpu.tensor`) and operations make tensors. Operations never change a tensor; only optimisers
 * replace the numbers of a parameter.
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
   * The numbers, row-major: a Float32Array from a GPU (exact for float16 too), a Float64Array from the CPU.
   *
   * This is the only way back to JavaScript and the only call that waits for the device. If work that the tensor
   * depends on failed on the device, every call rejects with its `DeviceError`. Rejects with an `ArgumentError` if the
   * tensor is disposed.
   */
  async read(): Promise<Float32Array | Float64Array> {
    return this.memory("read").read(this.size);
  }

  /**
   * The same numbers on another backend: from the CPU to a GPU and back, or between GPUs. NaN and infinity stay what
   * they are; float64 is rounded to float32.
   *
   * The dtype is the backend's default; float16 stays float16 on a GPU that has it. On the tensor's own backend the
   * result shares its memory, so it costs nothing. In each case it is a tensor of its own, in no scope: dispose it.
   *
   * Throws an `UnsupportedError` inside `valueAndGrad`, which cannot wait, and an `ArgumentError` for a disposed
   * tensor. Rejects as `read` does, and with a `NonFiniteError` for a finite number that is beyond the dtype.
   *
   * @example
   * const q = await onCpu.to(gpu);
   */
  to(backend: Backend): Promise<Tensor> {
    const target: { readonly adopt?: unknown } | null | undefined = backend;
    if (typeof target?.adopt !== "function") {
      throw new ArgumentError({
        where: "to",
        argument: "backend",
        wanted: "a backend, as cpu or a Gpu",
        got: target === null ? "null" : typeof target,
        fix: "A Gpu comes from await requestGpu().",
      });
    }
    const storage = this.memory("to");
    if (openTapes.length > 0) {
      throw new UnsupportedError({
        where: "to",
        wanted: "a call outside valueAndGrad",
        got: "one inside, where nothing can be awaited",
        fix: "Move tensors before, and let the loss use the moved ones. No gradient flows between backends.",
      });
    }
    const { shape } = this;
    if (backend === this.backend) return Promise.resolve(keep(new Tensor(backend, shape, this)));
    const dtype = backend.dtypes.find((known) => known === "f16" && known === this.dtype) ?? backend.dtypes[0];
    return storage.read(this.size).then((numbers) => keep(backend.adopt(numbers, shape, dtype)));
  }

  /** The memory behind the tensor. @internal */
  memory(where: string): Storage {
    if (this.#shared === undefined) {
      throw new ArgumentError({
        where,
        wanted: "a live tensor",
        got: `a disposed tensor of shape [${this.shape.join(", ")}]`,
        fix: "scope() and valueAndGrad() dispose the tensors made inside them: return the tensor, or keep() it.",
      });
    }
    return this.#shared.storage;
  }

  /** Moves the memory of `source` into this tensor, but not in a rehearsal; `source` is disposed. @internal */
  assign(source: Tensor): void {
    if (this.backend.rehearsing) {
      source.dispose();
      return;
    }
    const incoming = source.#share("assign");
    source.dispose();
    this.dispose();
    this.#shared = incoming;
  }

  /** Releases the memory. Idempotent. */
  dispose(): void {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared !== undefined && --shared.references === 0) shared.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Shape, dtype and backend, and for a tensor on the CPU its first numbers. */
  toString(): string {
    const { backend, dtype, shape } = this;
    const what = `Tensor ${formatShape(shape)} ${dtype} on ${backend.name} (${backend.device.name})`;
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

Object.assign(Tensor.prototype, printsAsText, { [TENSOR]: true });

/** Most numbers that `toString` shows. */
const SHOWN = 8;

/** Tensors in any nesting of records and arrays. */
export type ParameterTree = Tensor | readonly ParameterTree[] | { readonly [name: string]: ParameterTree };

/** The tensors of a tree, depth first, in the order of the names. */
export const tensorsIn = (tree: unknown): Tensor[] => leaves(tree, (value): value is Tensor => value instanceof Tensor);

/** The number of elements of all tensors of a tree. A tensor under several names counts once. */
export function countParameters(tree: ParameterTree): number {
  return [...new Set(tensorsIn(tree))].reduce((total, { size }) => total + size, 0);
}

/** Frees the memory of the tensors of a tree. */
export function disposeTree(tree: unknown): void {
  for (const tensor of tensorsIn(tree)) tensor.dispose();
}

const scopes: Set<Tensor>[] = [];

/**
 * Runs `body` and disposes every tensor made inside it, except those in its result (tensors, or any nesting of arrays
 * and records of them) and those given to `keep`. `body` must be synchronous.
 */
export function scope<Result>(body: () => Result): Result {
  if (typeof body !== "function")
    throw new ArgumentError({ where: "scope", argument: "body", wanted: "a function", got: typeof body });
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

/** Removes a tensor from every open scope; its owner must dispose it. */
export function keep(tensor: Tensor): Tensor {
  for (const made of scopes) made.delete(tensor);
  return tensor;
}
