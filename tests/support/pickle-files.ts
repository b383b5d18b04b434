import { zip, type Oddities } from "./zip-files.js";

/** The instructions of a pickle, as Python's `pickletools` names them. */
const bytes = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === "number" ? Buffer.of(part) : typeof part === "string" ? Buffer.from(part, "latin1") : part,
      ),
    ),
  );

export const raw = bytes;
export const name = (module: string, member: string): Uint8Array => bytes("c", `${module}\n${member}\n`);
export const text = (value: string): Uint8Array => {
  const data = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return bytes("X", length, data);
};
export const whole = (value: number): Uint8Array => {
  if (value >= 0 && value < 256) return bytes("K", value);
  const data = Buffer.alloc(8);
  data.writeBigInt64LE(BigInt(value));
  return bytes("\x8a", 8, data);
};
export const tuple = (...values: readonly Uint8Array[]): Uint8Array => bytes("(", ...values, "t");
export const list = (...values: readonly Uint8Array[]): Uint8Array => bytes("](", ...values, "e");
export const dictionary = (entries: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  bytes("}(", ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), "u");
export const call = (callee: Uint8Array, ...args: readonly Uint8Array[]): Uint8Array =>
  bytes(callee, tuple(...args), "R");

/** A tensor of a storage, as `torch.save` writes it. */
export function tensor(
  {
    key = "0",
    type = "FloatStorage",
    count,
  }: { readonly key?: string; readonly type?: string; readonly count: number },
  shape: readonly number[],
  { strides, offset = 0 }: { readonly strides?: readonly number[]; readonly offset?: number } = {},
): Uint8Array {
  const rowMajor = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const storage = bytes(tuple(text("storage"), name("torch", type), text(key), text("cpu"), whole(count)), "Q");
  const extents = (values: readonly number[]): Uint8Array => tuple(...values.map(whole));
  const hooks = call(name("collections", "OrderedDict"));
  return call(
    name("torch._utils", "_rebuild_tensor_v2"),
    storage,
    whole(offset),
    extents(shape),
    extents(strides ?? rowMajor),
    bytes("\x89"),
    hooks,
  );
}

/** A file as `torch.save` writes it, of a pickled value and storages by their keys. */
export function checkpoint(
  value: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  odd: Readonly<Record<string, Oddities>> = {},
  order = "little",
): Uint8Array {
  const data = Object.entries(storages).map(([key, numbers]) => [`m/data/${key}`, numbers] as const);
  return zip(
    { "m/data.pkl": bytes("\x80", 2, value, "."), "m/byteorder": Buffer.from(order), ...Object.fromEntries(data) },
    odd,
  );
}

export const floats = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
