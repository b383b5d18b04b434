import { showJson } from "../core/json.js";
import type { Refuse } from "./safetensors-header.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the bytes of a pickle one after the other. */
export class PickleBytes {
  at = 0;
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly refuse: Refuse,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(count: number): Uint8Array {
    if (!(count >= 0 && this.at + count <= this.bytes.length))
      throw this.refuse("a whole pickle", `${count} bytes wanted after byte ${this.at} of ${this.bytes.length}`);
    return this.bytes.subarray(this.at, (this.at += count));
  }

  /** A little-endian number of 1, 2, 4 or 8 bytes. */
  number(width: 1 | 2 | 4 | 8, isSigned = false): number {
    const { byteOffset } = this.take(width);
    const place = byteOffset - this.bytes.byteOffset;
    if (width === 1) return this.#view.getUint8(place);
    if (width === 2) return this.#view.getUint16(place, true);
    if (width === 4) return isSigned ? this.#view.getInt32(place, true) : this.#view.getUint32(place, true);
    return Number(this.#view.getBigUint64(place, true));
  }

  double(): number {
    const { byteOffset } = this.take(8);
    return this.#view.getFloat64(byteOffset - this.bytes.byteOffset, false);
  }

  text(length: number): string {
    try {
      return UTF8.decode(this.take(length));
    } catch (cause) {
      if (cause instanceof TypeError) throw this.refuse("text in UTF-8", `other bytes before byte ${this.at}`);
      throw cause;
    }
  }

  /** Up to the next line feed, which is skipped. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.refuse("a whole pickle", "a line without an end");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A signed little-endian number of so many bytes; a bigint beyond what a number holds. */
  long(length: number): number | bigint {
    let value = 0n;
    const bytes = this.take(length);
    for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
    if (length > 0 && bytes[length - 1] >= 128) value -= 1n << BigInt(8 * length);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
}

/** Numbers as pickles of protocol 0 write them. */
export function numberOf(text: string, refuse: Refuse): number | boolean {
  if (text === "00" || text === "01") return text === "01";
  const number = Number(text.replace(/L$/, ""));
  if (text === "" || Number.isNaN(number)) throw refuse("a number", showJson(text));
  return number;
}
