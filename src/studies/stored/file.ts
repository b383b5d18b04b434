import { open } from "node:fs/promises";
import { DataError } from "../../core/errors.js";
import type { ByteSource } from "../../weights/bytes.js";
import { statFile, unreadable } from "../files.js";

const WHERE = "openWeights";

/**
 * A file that is read in parts; it is open only during reads.
 *
 * @throws DataError if the file is missing, now or at a later read.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await statFile(WHERE, path);
  return {
    name: path,
    size,
    async read(begin, end) {
      const bytes = new Uint8Array(end - begin);
      const handle = await open(path).catch((cause: unknown) => {
        throw unreadable(WHERE, path, cause);
      });
      try {
        // one read may give less than was asked for
        for (let at = 0; at < bytes.length;) {
          const { bytesRead } = await handle.read(bytes, at, bytes.length - at, begin + at);
          if (bytesRead === 0)
            throw new DataError({
              where: WHERE,
              argument: path,
              wanted: `${size} bytes`,
              got: `${begin + at}`,
              fix: "The file became shorter while it was read.",
            });
          at += bytesRead;
        }
      } finally {
        await handle.close();
      }
      return bytes;
    },
  };
}
