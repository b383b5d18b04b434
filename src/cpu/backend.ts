import { checkData, lengthOf, tensorOptions } from "../core/checks.js";
import { UnsupportedError } from "../core/errors.js";
import { anyNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { printsAsText } from "../core/printing.js";
import { checkShape, sizeOf, type Shape } from "../core/shape.js";
import { keep, scope, Tensor, type Backend, type Primitive, type Storage, type TensorOptions } from "../core/tensor.js";

/** Numbers of a tensor on the CPU: float64, or float32 where a reference computation wants that rounding. */
export type Numbers = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export interface Operand {
  readonly shape: Shape;
  readonly data: Numbers;
}

/** Computes a primitive: fills every element of `outputs`. */
export type Compute<Attributes> = (
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attributes: Attributes,
) => void;

/** Implementations by primitive. */
export type Implementations = ReadonlyMap<unknown, Compute<never>>;

/** One entry of `Implementations`, with the attributes checked against the primitive's. */
export function implement<Attributes>(
  primitive: Primitive<Attributes>,
  compute: Compute<Attributes>,
): [unknown, Compute<never>] {
  return [primitive, compute];
}

class CpuStorage implements Storage {
  readonly dtype = "f64";

  constructor(readonly data: Numbers) {}

  async read(): Promise<Numbers> {
    return this.data.slice();
  }

  release(): void {}
}

/** The numbers of a tensor on a CPU backend, without a copy. */
export function numbersOf(tensor: Tensor): Numbers {
  const memory = tensor.memory("cpu");
  if (memory instanceof CpuStorage) return memory.data;
  throw new UnsupportedError({
    where: "cpu",
    wanted: "a tensor on the cpu backend",
    got: `one on ${tensor.backend.device.name}`,
  });
}

function checkDtype(where: string, options: TensorOptions = {}): void {
  const { dtype = "f64" } = checkOptions(where, options, tensorOptions);
  if (dtype === "f64") return;
  throw new UnsupportedError({
    where,
    argument: "dtype",
    wanted: "f64, the one dtype of the cpu backend",
    got: dtype,
    fix: "Leave it out: the CPU is the exact reference, where ops.cast changes nothing.",
  });
}

/** A backend that computes at once, in the precision of `allocate`. */
export function createCpu(
  name: string,
  allocate: (size: number) => Numbers,
  implementations: Implementations,
): Backend {
  const kind = allocate(0).constructor;
  const wrap = (data: Numbers, shape: Shape): Tensor => new Tensor(backend, shape, new CpuStorage(data));
  const backend: Backend = {
    ...printsAsText,
    toString: () => `Backend cpu (${name})`,
    name: "cpu",
    device: { kind: "cpu", name },
    dtypes: ["f64"],
    rehearsing: false,
    joinsHeads: false,
    tensor(data, shape = lengthOf("cpu.tensor", data), options) {
      checkDtype("cpu.tensor", options);
      checkData("cpu.tensor", data, shape);
      const own = allocate(data.length);
      own.set(data);
      return wrap(own, shape);
    },
    full(value, shape, options) {
      checkDtype("cpu.full", options);
      checkArguments("cpu.full", { value }, { value: anyNumber });
      checkShape("cpu.full", shape);
      return wrap(allocate(sizeOf(shape)).fill(value), shape);
    },
    adopt(numbers, shape) {
      if (numbers.constructor === kind) return wrap(numbers as Numbers, shape);
      const own = allocate(numbers.length);
      own.set(numbers);
      return wrap(own, shape);
    },
    scope,
    keep,
    run(primitive, inputs, attributes) {
      const compute = implementations.get(primitive);
      if (compute === undefined) {
        throw new UnsupportedError({
          where: primitive.name,
          wanted: "an operation of the cpu backend",
          got: "an unknown one",
        });
      }
      const operands = inputs.map((tensor) => ({ shape: tensor.shape, data: numbersOf(tensor) }));
      const shapes = primitive.infer(
        operands.map(({ shape }) => shape),
        attributes,
      );
      const outputs = shapes.map((shape) => ({ shape, data: allocate(sizeOf(shape)) }));
      compute(operands, outputs, attributes as never);
      return outputs.map(({ shape, data }) => wrap(data, shape));
    },
  };
  return backend;
}
