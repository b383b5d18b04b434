import { binaryPrimitive, unaryPrimitive } from "../autograd/arithmetic.js";
import { expandPrimitive, permutePrimitive } from "../autograd/broadcast.js";
import { castPrimitive } from "../autograd/cast.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { sizeOf, stridesOf, type Shape } from "../core/shape.js";
import type { Shader } from "../kernels/kernel.js";
import each from "../../shaders/lib/each.wgsl";
import quotient from "../../shaders/lib/quotient.wgsl";
import strided from "../../shaders/lib/strided.wgsl";
import adam from "../../shaders/ops/adam.wgsl";
import binary from "../../shaders/ops/binary.wgsl";
import cast from "../../shaders/ops/cast.wgsl";
import functions from "../../shaders/ops/functions.wgsl";
import unary from "../../shaders/ops/unary.wgsl";
import { GROUP, groupsFor, implement, shader, type Device, type Operand } from "./job.js";
import type { Word } from "./queue.js";
import { storedShaders } from "./stored.js";

/** One invocation for each element of a job. */
export const eachShader = shader("lib/each.wgsl", each);
export const quotientShader = shader("lib/quotient.wgsl", quotient);
const stridedShader = shader("lib/strided.wgsl", strided);
const functionsShader = shader("ops/functions.wgsl", functions);
const unaryShader = shader("ops/unary.wgsl", unary);
const binaryShader = shader("ops/binary.wgsl", binary);
const castShader = shader("ops/cast.wgsl", cast);
const takenShaders = { f32: shader("generated (f32)", "alias Taken = f32;"), f16: shader("generated (f16)", "alias Taken = f16;", ["f16"]) };
const adamShader = shader("ops/adam.wgsl", adam);

const AXES = 8;

interface Axis {
  extent: number;
  readonly strides: [number, number];
}

/** Leaves out axes of extent 1 and merges neighbours that both operands walk through as one. */
function collapse(shape: Shape, left: readonly number[], right: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const strides: [number, number] = [left[axis], right[axis]];
    const outer = axes.at(-1);
    if (outer !== undefined && outer.strides.every((stride, side) => stride === strides[side] * extent)) {
      outer.extent *= extent;
      outer.strides[0] = strides[0];
      outer.strides[1] = strides[1];
    } else {
      axes.push({ extent, strides });
    }
  });
  return axes;
}

function broadcastStrides(from: Shape, to: Shape): number[] {
  return [...new Array<number>(to.length - from.length).fill(0), ...stridesOf(from)];
}

function padded(values: readonly number[]): number[] {
  return [...values, ...new Array<number>(AXES - values.length).fill(0)];
}

const applied = new Map<string, Shader>();

/** One line that gives a function the name under which the pass calls it. */
function applying(name: string, parameters: string): Shader {
  const known = applied.get(name);
  if (known !== undefined) return known;
  const names = parameters.split(", ").map((parameter) => parameter.split(":")[0]);
  const made = shader(`generated (${name})`, `fn apply(${parameters}) -> f32 { return f_${name}(${names.join(", ")}); }`);
  applied.set(name, made);
  return made;
}

function map(
  device: Device,
  pass: readonly Shader[],
  inputs: readonly Operand[],
  output: Operand,
  strides: readonly (readonly number[])[],
  [a, b]: readonly [number, number],
): void {
  const axes = collapse(output.shape, strides[0], strides[1] ?? strides[0]);
  const count = sizeOf(output.shape);
  const uniform: Word[] = [
    count,
    { float: a },
    { float: b },
    0,
    ...padded(axes.map(({ extent }) => extent)),
    ...padded(axes.map((axis) => axis.strides[0])),
    ...padded(axes.map((axis) => axis.strides[1])),
  ];
  device.dispatch({
    shaders: [eachShader, quotientShader, stridedShader, functionsShader, ...pass],
    constants: { GROUP, RANK: Math.max(1, axes.length) },
    uniform,
    reads: inputs.map(({ block }) => block),
    writes: [output.block],
    workgroups: groupsFor(count, device.limits),
  });
}

function mapUnary(device: Device, name: string, x: Operand, y: Operand, strides: readonly number[], a: number, b: number): void {
  map(device, [unaryShader, applying(name, "x: f32, a: f32, b: f32")], [x], y, [strides], [a, b]);
}

export const elementwise = [
  implement(unaryPrimitive, (device, [x], [y], { function: name, a, b }) => {
    mapUnary(device, name, x, y, stridesOf(x.shape), a, b);
  }),
  implement(binaryPrimitive, (device, [x, y], [z], { function: name, c }) => {
    const strides = [broadcastStrides(x.shape, z.shape), broadcastStrides(y.shape, z.shape)];
    map(device, [binaryShader, applying(name, "x: f32, y: f32, c: f32")], [x, y], z, strides, [c, 0]);
  }),
  implement(castPrimitive, (device, [x], [y]) => {
    const count = sizeOf(x.shape);
    device.dispatch({
      shaders: [eachShader, takenShaders[x.dtype], storedShaders[y.dtype].one, castShader],
      constants: { GROUP },
      uniform: [count],
      reads: [x.block],
      writes: [y.block],
      workgroups: groupsFor(count, device.limits),
    });
  }),
  implement(expandPrimitive, (device, [x], [y]) => {
    mapUnary(device, "affine", x, y, broadcastStrides(x.shape, y.shape), 1, 0);
  }),
  implement(permutePrimitive, (device, [x], [y], { order }) => {
    const strides = stridesOf(x.shape);
    mapUnary(device, "affine", x, y, order.map((axis) => strides[axis]), 1, 0);
  }),
  implement(adamPrimitive, (device, inputs, outputs, attributes) => {
    const { learningRate, beta1, beta2, epsilon, correction1, correction2 } = attributes;
    const count = sizeOf(inputs[0].shape);
    const floats = [learningRate, beta1, beta2, epsilon, correction1, correction2];
    device.dispatch({
      shaders: [eachShader, adamShader],
      constants: { GROUP },
      uniform: [count, ...floats.map((float) => ({ float }))],
      reads: inputs.map(({ block }) => block),
      writes: outputs.map(({ block }) => block),
      workgroups: groupsFor(count, device.limits),
    });
  }),
];
