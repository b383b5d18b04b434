import { binaryPrimitive, unaryPrimitive } from "../autograd/arithmetic.js";
import { expandPrimitive, permutePrimitive } from "../autograd/broadcast.js";
import { castPrimitive } from "../autograd/cast.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { sizeOf, stridesOf } from "../core/shape.js";
import { broadcastStrides, collapse, type Axis } from "../core/strides.js";
import type { Shader } from "../kernels/kernel.js";
import finite from "../../shaders/lib/finite.wgsl";
import quotient from "../../shaders/lib/quotient.wgsl";
import strided from "../../shaders/lib/strided.wgsl";
import adam from "../../shaders/ops/adam.wgsl";
import binary from "../../shaders/ops/binary.wgsl";
import cast from "../../shaders/ops/cast.wgsl";
import fillText from "../../shaders/ops/fill.wgsl";
import functions from "../../shaders/ops/functions.wgsl";
import unary from "../../shaders/ops/unary.wgsl";
import { dispatchEach, eachShader, implement, shader, type Recorder, type Operand } from "./implementation.js";
import type { Block } from "./memory.js";
import { arrayOf, f32, vec4u, type Binding } from "./pass.js";
import { storageShaders } from "./storage-type.js";

export const quotientShader = shader("lib/quotient.wgsl", quotient);
const fillShaders = [eachShader, shader("ops/fill.wgsl", fillText)];
const stridedShader = shader("lib/strided.wgsl", strided);
export const finiteShader = shader("lib/finite.wgsl", finite);
const functionsShader = shader("ops/functions.wgsl", functions);
const unaryShader = shader("ops/unary.wgsl", unary);
const binaryShader = shader("ops/binary.wgsl", binary);
const castShader = shader("ops/cast.wgsl", cast);
const takenShaders = {
  f32: shader("generated (f32)", "alias Taken = f32;"),
  f16: shader("generated (f16)", "alias Taken = f16;", ["f16"]),
};
const adamShaders = [eachShader, shader("ops/adam.wgsl", adam)];

/** Sets `words` words of memory to the same bits. */
export function fill(recorder: Pick<Recorder, "dispatch" | "limits">, block: Block, words: number, word: number): void {
  dispatchEach(recorder, words, { shaders: fillShaders, uniform: { word }, writes: { y: arrayOf("u32", block) } });
}

const AXES = 8;

function padded(values: readonly number[]): number[] {
  return [...values, ...new Array<number>(AXES - values.length).fill(0)];
}

/** How an operand gives the numbers of one invocation: one; four neighbours; or one for all four. */
type Access = "single" | "wide" | "repeated";

const accesses: Readonly<Record<Access, (name: string) => string>> = {
  single: (name) => `fn ${name}_at(at: u32) -> f32 { return ${name}[at]; }`,
  wide: (name) => `fn ${name}_at(at: u32) -> vec4f { return ${name}[at]; }`,
  repeated: (name) => `fn ${name}_at(at: u32) -> vec4f { return vec4f(${name}[at]); }`,
};

/** The shaders of every function over operands that are accessed in such ways, made once. */
const made = new Map<string, readonly Shader[]>();

function shadersFor(
  { pass, name, operands, constants }: Work,
  wide: boolean,
  access: readonly Access[],
): readonly Shader[] {
  const key = `${pass.file} ${name} ${access.join(" ")}`;
  let shaders = made.get(key);
  if (shaders === undefined) {
    const reading = operands.map((operand, side) =>
      shader(`operand ${operand} (${access[side]})`, accesses[access[side]](operand)),
    );
    shaders = [
      eachShader,
      quotientShader,
      stridedShader,
      finiteShader,
      functionsShader,
      applying(name, operands, constants, wide),
      ...reading,
      pass,
    ];
    made.set(key, shaders);
  }
  return shaders;
}

/**
 * Gives a function the name under which the pass calls it, for one number or for four; `operands` of its arguments are
 * numbers of the job.
 */
function applying(name: string, operands: readonly string[], constants: readonly string[], wide: boolean): Shader {
  const call = (part: string): string =>
    `f_${name}(${[...operands.map((operand) => operand + part), ...constants].join(", ")})`;
  const parameters = [
    ...operands.map((operand) => `${operand}: Number`),
    ...constants.map((constant) => `${constant}: f32`),
  ].join(", ");
  const single = `alias Number = f32; fn apply(${parameters}) -> f32 { return ${call("")}; }`;
  const four =
    `alias Number = vec4f; fn apply(${parameters}) -> vec4f { return ` +
    `vec4f(${["x", "y", "z", "w"].map((part) => call(`.${part}`)).join(", ")}); }`;
  return shader(`generated (${name}${wide ? ", four" : ""})`, wide ? four : single);
}

/**
 * Whether neighbouring numbers of the result can be taken four at a time: every operand has them side by side, or one
 * for all.
 */
function isWide(axes: readonly Axis[]): boolean {
  const inner = axes.at(-1);
  if (inner === undefined || inner.extent % 4 !== 0) return false;
  return inner.strides.every(
    (stride, side) =>
      stride === 0 || (stride === 1 && axes.slice(0, -1).every(({ strides }) => strides[side] % 4 === 0)),
  );
}

/** The same walk in steps of four numbers. */
function byFour(axes: readonly Axis[]): Axis[] {
  const inner = axes[axes.length - 1];
  return axes.map(({ extent, strides }) => ({
    extent: strides === inner.strides ? extent / 4 : extent,
    strides: strides.map((stride, side) =>
      inner.strides[side] === 1 && strides !== inner.strides ? stride / 4 : stride,
    ) as [number, number],
  }));
}

interface Work {
  readonly pass: Shader;
  readonly name: string;
  /** Names of the operands, the result and the function's constants in WGSL. */
  readonly operands: readonly string[];
  readonly result: string;
  readonly constants: readonly string[];
  readonly values: readonly [number, number];
}

function map(
  recorder: Recorder,
  work: Work,
  inputs: readonly Operand[],
  output: Operand,
  strides: readonly (readonly number[])[],
): void {
  const {
    operands,
    result,
    values: [a, b],
  } = work;
  const single = collapse(output.shape, strides[0], strides[1] ?? strides[0]);
  const wide = isWide(single);
  const axes = wide ? byFour(single) : single;
  const access = operands.map((_, side): Access =>
    !wide ? "single" : axes[axes.length - 1].strides[side] === 1 ? "wide" : "repeated",
  );
  const reads: Record<string, Binding> = {};
  operands.forEach(
    (operand, side) => (reads[operand] = access[side] === "wide" ? arrayOf("vec4f", inputs[side]) : inputs[side]),
  );
  dispatchEach(recorder, sizeOf(output.shape) / (wide ? 4 : 1), {
    shaders: shadersFor(work, wide, access),
    constants: { RANK: Math.max(1, axes.length) },
    uniform: {
      a: f32(a),
      b: f32(b),
      extents: vec4u(padded(axes.map(({ extent }) => extent))),
      left: vec4u(padded(axes.map((axis) => axis.strides[0]))),
      right: vec4u(padded(axes.map((axis) => axis.strides[1]))),
    },
    reads,
    writes: { [result]: arrayOf("Number", output) },
  });
}

function mapUnary(
  recorder: Recorder,
  name: string,
  x: Operand,
  y: Operand,
  strides: readonly number[],
  a: number,
  b: number,
): void {
  map(
    recorder,
    { pass: unaryShader, name, operands: ["x"], result: "y", constants: ["a", "b"], values: [a, b] },
    [x],
    y,
    [strides],
  );
}

/** The numbers of x with its axes in another order. */
function permute(recorder: Recorder, x: Operand, y: Operand, order: readonly number[]): void {
  const strides = stridesOf(x.shape);
  mapUnary(
    recorder,
    "affine",
    x,
    y,
    order.map((axis) => strides[axis]),
    1,
    0,
  );
}

export const elementwise = [
  implement(unaryPrimitive, (recorder, [x], [y], { function: name, a, b }) => {
    mapUnary(recorder, name, x, y, stridesOf(x.shape), a, b);
  }),
  implement(binaryPrimitive, (recorder, [x, y], [z], { function: name, c }) => {
    const strides = [broadcastStrides(x.shape, z.shape), broadcastStrides(y.shape, z.shape)];
    map(
      recorder,
      { pass: binaryShader, name, operands: ["x", "y"], result: "z", constants: ["c"], values: [c, 0] },
      [x, y],
      z,
      strides,
    );
  }),
  implement(castPrimitive, (recorder, [x], [y]) => {
    dispatchEach(recorder, sizeOf(x.shape), {
      shaders: [eachShader, takenShaders[x.dtype], storageShaders[y.dtype].one, castShader],
      reads: { x: arrayOf("Taken", x) },
      writes: { y: arrayOf("Stored", y) },
    });
  }),
  implement(expandPrimitive, (recorder, [x], [y]) => {
    mapUnary(recorder, "affine", x, y, broadcastStrides(x.shape, y.shape), 1, 0);
  }),
  implement(permutePrimitive, (recorder, [x], [y], { order }) => permute(recorder, x, y, order)),
  implement(
    adamPrimitive,
    (
      recorder,
      [parameter, gradient, first, second],
      [newParameter, newFirst, newSecond],
      { learningRate, beta1, beta2, epsilon, correction1, correction2 },
    ) => {
      dispatchEach(recorder, sizeOf(parameter.shape), {
        shaders: adamShaders,
        uniform: {
          rate: f32(learningRate),
          beta1: f32(beta1),
          beta2: f32(beta2),
          epsilon: f32(epsilon),
          correction1: f32(correction1),
          correction2: f32(correction2),
        },
        reads: { parameter, gradient, first, second },
        writes: { new_parameter: newParameter, new_first: newFirst, new_second: newSecond },
      });
    },
  ),
];
