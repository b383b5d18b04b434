import { crc32 } from "../../src/weights/crc32.js";
import { deflateRawSync } from "node:zlib";

/** How a file differs from an ordinary one. */
export interface Oddities {
  readonly deflate?: boolean;
  readonly crc?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly method?: number;
  readonly flags?: number;
}

/** A zip archive of these files, written as the format says. */
export function zip(
  files: Readonly<Record<string, Uint8Array>>,
  odd: Readonly<Record<string, Oddities>> = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const { deflate = false, flags = 0, ...own } = odd[name] ?? {};
    const packed = deflate ? deflateRawSync(bytes) : Buffer.from(bytes);
    const { crc = crc32(bytes), size = bytes.length, offset = at, method = deflate ? 8 : 0 } = own;
    const text = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(text.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, text, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), common, tail, text]));
    parts.push(local);
    at += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...parts, list, end]));
}
