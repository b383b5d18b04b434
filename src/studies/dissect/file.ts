import { open, stat } from "node:fs/promises";
import { DataError } from "../../core/errors.js";
import type { ByteSource } from "../../core/safetensors.js";

function unreadable(path: string, cause: unknown): DataError {
  return new DataError({ where: "openSafetensors", argument: path, wanted: "a readable file", got: (cause as NodeJS.ErrnoException).code ?? String(cause) });
}

/**
 * A file that is read in parts; it is open only while it is read.
 *
 * @throws DataError where there is no such file, now or later.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const about = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (!about.isFile()) throw new DataError({ where: "openSafetensors", argument: path, wanted: "a file", got: about.isDirectory() ? "a folder" : "something else" });
  return {
    name: path,
    size: about.size,
    async read(begin, end) {
      const bytes = new Uint8Array(end - begin);
      const handle = await open(path).catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
      try {
        // one read may give less than was asked for
        for (let at = 0; at < bytes.length; ) {
          const { bytesRead } = await handle.read(bytes, at, bytes.length - at, begin + at);
          if (bytesRead === 0) throw new DataError({ where: "openSafetensors", argument: path, wanted: `${about.size} bytes`, got: `${begin + at}`, fix: "The file became shorter while it was read." });
          at += bytesRead;
        }
      } finally {
        await handle.close();
      }
      return bytes;
    },
  };
}
