import type { ByteSource } from "./bytes.js";
import type { Refuse } from "./safetensors-header.js";

/*
 * The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding), read in parts. Libraries take
 * the whole message from memory, but a model is one message of hundreds of megabytes, nearly all of them numbers.
 */

/** A field of a message. */
export interface Field {
  readonly number: number;
  /** The value of a varint; 0 for fields of other types. It is exact below 2^53. */
  readonly value: number;
  /** Whether the bytes from `begin` to `end` are the content: a text, a message, packed numbers. */
  readonly hasLength: boolean;
  readonly begin: number;
  readonly end: number;
}

/** A part of the file. */
export type Span = Pick<Field, "begin" | "end">;

const [VARINT, FIXED_64, LENGTH, FIXED_32] = [0, 1, 2, 5];
/** Most bytes of a varint: seven bits in each, and 64 in all. */
const LONGEST_VARINT = 10;
/** Bytes that are read at once. */
const WINDOW = 2 ** 16;
/** Most fields of a file; models have some ten for each operation. */
const MOST_FIELDS = 2 ** 20;
/** Most bytes of a text. */
const LONGEST_TEXT = 2 ** 16;

/** The 64 bits of a varint in two halves, and the place after it; undefined if it does not end in time. */
function varintAt(
  bytes: Uint8Array,
  start: number,
): { readonly low: number; readonly high: number; readonly next: number } | undefined {
  let [low, high] = [0, 0];
  for (let at = start, shift = 0; at < bytes.length && at < start + LONGEST_VARINT; at++, shift += 7) {
    const bits = bytes[at] & 0x7f;
    if (shift < 32) low |= bits << shift;
    if (shift > 25) high |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32);
    if (bytes[at] < 0x80) return { low, high, next: at + 1 };
  }
  return undefined;
}

/** Packed varints as numbers of `width` bytes, little-endian; undefined unless there are exactly `count`. */
export function unpackVarints(bytes: Uint8Array, count: number, width: number): Uint8Array | undefined {
  if (count > bytes.length) return undefined;
  const numbers = new Uint8Array(count * width);
  const view = new DataView(numbers.buffer);
  let next = 0;
  for (let index = 0; index < count; index++) {
    const varint = varintAt(bytes, next);
    if (varint === undefined) return undefined;
    if (width === 1) view.setUint8(index, varint.low);
    else if (width === 2) view.setUint16(2 * index, varint.low, true);
    else view.setInt32(width * index, varint.low, true);
    if (width === 8) view.setInt32(8 * index + 4, varint.high, true);
    next = varint.next;
  }
  return next === bytes.length ? numbers : undefined;
}

/** Reads messages of a file; keeps only a window of it in memory. */
export class Messages {
  #window: Uint8Array = new Uint8Array(0);
  #begin = 0;
  #count = 0;

  constructor(
    readonly source: ByteSource,
    readonly refuse: Refuse,
  ) {}

  /** At most `count` bytes from `begin`; fewer only at the end of the file. */
  async #bytes(begin: number, count: number): Promise<Uint8Array> {
    const wanted = Math.min(count, this.source.size - begin);
    if (begin < this.#begin || begin + wanted > this.#begin + this.#window.length) {
      this.#window = await this.source.read(begin, Math.min(this.source.size, begin + Math.max(wanted, WINDOW)));
      this.#begin = begin;
    }
    return this.#window.subarray(begin - this.#begin, begin - this.#begin + wanted);
  }

  /** The fields of a message, the whole file by default. */
  async fields({ begin, end }: Span = { begin: 0, end: this.source.size }): Promise<Field[]> {
    const fields: Field[] = [];
    for (let at = begin; at < end;) {
      if (++this.#count > MOST_FIELDS) throw this.refuse(`at most ${MOST_FIELDS} fields`, "more");
      const head = await this.#bytes(at, Math.min(2 * LONGEST_VARINT, end - at));
      const tag = varintAt(head, 0);
      if (tag === undefined) throw this.refuse("a field", `other bytes at byte ${at}`);
      const [number, wire] = [tag.low >>> 3, tag.low & 7];
      const start = at + tag.next;
      if (wire === FIXED_32 || wire === FIXED_64) {
        at = start + (wire === FIXED_32 ? 4 : 8);
        fields.push({ number, value: 0, hasLength: false, begin: start, end: at });
      } else {
        const varint = wire === VARINT || wire === LENGTH ? varintAt(head, tag.next) : undefined;
        if (varint === undefined) throw this.refuse("a field of a known type", `type ${wire} at byte ${at}`);
        const value = varint.high * 2 ** 32 + (varint.low >>> 0);
        const content = at + varint.next;
        at = wire === VARINT ? content : content + value;
        if (wire === LENGTH && value < 0) throw this.refuse("a length of at least 0", `${value} at byte ${start}`);
        fields.push({
          number,
          value: wire === VARINT ? value : 0,
          hasLength: wire === LENGTH,
          begin: content,
          end: at,
        });
      }
      if (at > end)
        throw this.refuse(`a field within its message, which ends at byte ${end}`, `one that ends at byte ${at}`);
    }
    return fields;
  }

  /** The text of a field. */
  async text({ begin, end }: Span): Promise<string> {
    if (end - begin > LONGEST_TEXT)
      throw this.refuse(`a text of at most ${LONGEST_TEXT} bytes`, `${end - begin} at byte ${begin}`);
    return new TextDecoder().decode(await this.#bytes(begin, end - begin));
  }

  /** The whole numbers of a repeated field, packed or one after the other. */
  async wholes(fields: readonly Field[]): Promise<number[]> {
    const values: number[] = [];
    const length = fields.reduce((sum, { begin, end }) => sum + end - begin, 0);
    if (length > LONGEST_TEXT) throw this.refuse(`a list of at most ${LONGEST_TEXT} bytes`, `${length}`);
    for (const { hasLength, value, begin, end } of fields) {
      if (!hasLength) values.push(value);
      else {
        const bytes = await this.#bytes(begin, end - begin);
        for (let at = 0; at < bytes.length;) {
          const varint = varintAt(bytes, at);
          if (varint === undefined) throw this.refuse("packed numbers", `other bytes at byte ${begin + at}`);
          values.push(varint.high * 2 ** 32 + (varint.low >>> 0));
          at = varint.next;
        }
      }
    }
    return values;
  }
}
