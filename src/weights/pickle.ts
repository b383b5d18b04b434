import { showJson } from "../core/json.js";
import { numberOf, PickleBytes } from "./pickle-bytes.js";
import type { Refuse } from "./safetensors-header.js";

/** A class or function that a pickle names, such as `torch._utils._rebuild_tensor_v2`. Nothing is imported. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** Values of a pickle: lists and tuples are arrays, dictionaries are maps, `None` is null. */
export type PickleValue = unknown;

/** What a reader makes of names that are called, and of references to data outside the pickle. */
export interface PickleRules {
  /** The value of a call, by name; a name that is not here is refused. */
  readonly calls: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>>;
  readonly reference: (id: PickleValue) => PickleValue;
}

const MARK = Symbol("mark");
/** Most values on the stack and in the memo together. */
const MOST_VALUES = 2 ** 22;

class Machine {
  readonly stack: PickleValue[] = [];
  readonly memo = new Map<number, PickleValue>();

  constructor(
    readonly input: PickleBytes,
    readonly rules: PickleRules,
  ) {}

  fail(wanted: string, got: string): never {
    throw this.input.refuse(wanted, `${got} before byte ${this.input.at} of the pickle`);
  }

  push(value: PickleValue): void {
    if (this.stack.length + this.memo.size > MOST_VALUES) this.fail(`at most ${MOST_VALUES} values`, "more");
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.length === 0 ? MARK : this.stack.pop();
    return value === MARK ? this.fail("a value", "none on the stack") : value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  toMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) this.fail("a mark", "none");
    const values = this.stack.splice(mark);
    return values.slice(1);
  }

  several(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  remember(key: number): void {
    this.memo.set(key, this.top());
  }

  recall(key: number): void {
    if (!this.memo.has(key)) this.fail("a value that was stored", `number ${key}, which was not`);
    this.push(this.memo.get(key));
  }

  fill(values: readonly PickleValue[]): void {
    const map = this.top();
    if (!(map instanceof Map) || values.length % 2 !== 0) return this.fail("pairs for a dictionary", "something else");
    for (let at = 0; at < values.length; at += 2) map.set(values[at], values[at + 1]);
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (list instanceof Set) for (const value of values) list.add(value);
    else if (Array.isArray(list)) for (const value of values) list.push(value);
    else this.fail("a list", "something else");
  }

  call(): void {
    const [callee, args] = this.several(2);
    if (!(callee instanceof PickleName) || !Array.isArray(args)) return this.fail("a call of a name", "another call");
    const rule = Object.hasOwn(this.rules.calls, callee.name) ? this.rules.calls[callee.name] : undefined;
    this.push(rule === undefined ? this.unknown(callee.name) : rule(args));
  }

  unknown(name: string): never {
    throw this.input.refuse(
      "a file of tensors, dictionaries, lists, numbers and texts",
      `a call of ${showJson(name)}, which is not executed`,
      "Save the weights alone, in Python: torch.save(model.state_dict(), path).",
    );
  }

  /** State for an object: only attributes of dictionaries and tensors, which hold no weights, are expected. */
  build(): void {
    this.pop();
    const target = this.top();
    if (!(target instanceof Map) && !(typeof target === "object" && target !== null && "storage" in target))
      this.fail("a dictionary or a tensor with attributes", "another object");
  }
}

/** A number of so many bytes, little-endian, that follows the instruction. */
type Width = 1 | 2 | 4 | 8;

type Instruction = (machine: Machine, input: PickleBytes) => void;

const constant =
  (value: () => PickleValue): Instruction =>
  (machine) =>
    machine.push(value());
const text =
  (width: Width): Instruction =>
  (machine, input) =>
    machine.push(input.text(input.number(width)));
const bytes =
  (width: Width): Instruction =>
  (machine, input) =>
    machine.push(input.take(input.number(width)));
const whole =
  (width: Width, isSigned = false): Instruction =>
  (machine, input) =>
    machine.push(input.number(width, isSigned));
const decimal: Instruction = (machine, input) => machine.push(numberOf(input.line(), input.refuse));
const tuple =
  (count: number): Instruction =>
  (machine) =>
    machine.push(machine.several(count));
const gathered: Instruction = (machine) => machine.push(machine.toMark());
const skip =
  (count: number): Instruction =>
  (_, input) =>
    void input.take(count);
const call: Instruction = (machine) => machine.call();

/** Instructions by their byte, as `pickletools` names them. */
const instructions: Readonly<Record<string, Instruction>> = {
  "\x80": skip(1), // PROTO
  "\x95": skip(8), // FRAME
  "(": (machine) => machine.push(MARK),
  "0": (machine) => void machine.pop(),
  "1": (machine) => void machine.toMark(),
  "2": (machine) => machine.push(machine.top()),
  N: constant(() => null),
  "\x88": constant(() => true),
  "\x89": constant(() => false),
  I: decimal,
  L: decimal,
  F: decimal,
  J: whole(4, true),
  K: whole(1),
  M: whole(2),
  G: (machine, input) => machine.push(input.double()),
  "\x8a": (machine, input) => machine.push(input.long(input.number(1))), // LONG1
  X: text(4),
  "\x8c": text(1), // SHORT_BINUNICODE
  "\x8d": text(8), // BINUNICODE8
  V: (machine, input) => machine.push(input.line()),
  U: text(1), // byte strings of Python 2, which held names
  T: text(4),
  C: bytes(1),
  B: bytes(4),
  "\x8e": bytes(8), // BINBYTES8
  ")": constant(() => []),
  "]": constant(() => []),
  "}": constant(() => new Map()),
  "\x8f": constant(() => new Set()), // EMPTY_SET
  t: gathered,
  l: gathered,
  "\x91": (machine) => machine.push(new Set(machine.toMark())), // FROZENSET
  d(machine) {
    const values = machine.toMark();
    machine.push(new Map());
    machine.fill(values);
  },
  "\x85": tuple(1),
  "\x86": tuple(2),
  "\x87": tuple(3),
  a: (machine) => machine.append([machine.pop()]),
  e: (machine) => machine.append(machine.toMark()),
  "\x90": (machine) => machine.append(machine.toMark()), // ADDITEMS
  s: (machine) => machine.fill(machine.several(2)),
  u: (machine) => machine.fill(machine.toMark()),
  p: (machine, input) => machine.remember(Number(input.line())),
  q: (machine, input) => machine.remember(input.number(1)),
  r: (machine, input) => machine.remember(input.number(4)),
  "\x94": (machine) => machine.remember(machine.memo.size), // MEMOIZE
  g: (machine, input) => machine.recall(Number(input.line())),
  h: (machine, input) => machine.recall(input.number(1)),
  j: (machine, input) => machine.recall(input.number(4)),
  c(machine, input) {
    const module = input.line();
    machine.push(new PickleName(`${module}.${input.line()}`));
  },
  "\x93"(machine) {
    // STACK_GLOBAL
    const names = machine.several(2);
    if (!names.every((name) => typeof name === "string")) machine.fail("the name of a class", "something else");
    machine.push(new PickleName(names.join(".")));
  },
  R: call,
  "\x81": call, // NEWOBJ
  b: (machine) => machine.build(),
  Q: (machine) => machine.push(machine.rules.reference(machine.pop())),
};

const STOP = ".";

/**
 * The value of a pickle without executing anything of it: names are called by `rules` or refused. Instructions that
 * only code needs are refused.
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules, refuse: Refuse): PickleValue {
  const input = new PickleBytes(bytes, refuse);
  const machine = new Machine(input, rules);
  for (;;) {
    const code = String.fromCharCode(input.number(1));
    if (code === STOP) return machine.pop();
    if (!Object.hasOwn(instructions, code))
      machine.fail("an instruction of a pickle without code", `byte ${code.charCodeAt(0)}`);
    instructions[code](machine, input);
  }
}
