import { rmSync } from "node:fs";
import { open, readFile, rm, rmdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ArgumentError, DataError } from "../../core/errors.js";
import { makeFolder, writeAtomically } from "./results.js";

/** File that names the process that writes into its folder. */
const LOCK = "lock";

/**
 * Milliseconds to wait for the content of a new lock, and for another process that takes over the same lock: both need
 * far less.
 */
const SETTLE_MS = 50;

interface Owner {
  readonly host: string;
  readonly pid: number;
}

/**
 * Locks that this process holds. A lock file with this process's number may be older: after a restart, a container
 * reuses numbers.
 */
const held = new Set<string>();

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [, pid, host] = /^(\d+) (.+)\n$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), host };
}

function isAlive({ host, pid }: Owner, path: string): boolean {
  if (host !== hostname()) return true; // cannot be checked from this host
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // alive, and owned by another user
  }
}

function inUse(folder: string, { host, pid }: Owner): ArgumentError {
  return new ArgumentError({
    where: "study",
    argument: "--out",
    wanted: "a folder into which no other process writes",
    got: `${folder}, in use by process ${pid} on ${host}`,
    fix: `Choose another folder, or wait; if that process is gone, delete ${join(folder, LOCK)}.`,
  });
}

/** Creates the lock, or takes it over from a dead process. */
async function take(folder: string, path: string): Promise<void> {
  const content = `${process.pid} ${hostname()}\n`;
  const lock = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
  if (lock !== undefined) {
    try {
      await lock.writeFile(content);
    } catch (error) {
      await rm(path, { force: true }); // full disk: leave no lock that names no process
      throw error;
    } finally {
      await lock.close();
    }
    return;
  }
  let owner = await readOwner(path);
  if (owner === undefined) {
    await sleep(SETTLE_MS);
    owner = await readOwner(path);
  }
  if (owner !== undefined && isAlive(owner, path)) throw inUse(folder, owner);
  await writeAtomically(folder, LOCK, content);
  await sleep(SETTLE_MS); // of several processes that take it over, the last to write holds it
  const last = await readOwner(path);
  if (last === undefined) return take(folder, path);
  if (last.pid !== process.pid || last.host !== hostname()) throw inUse(folder, last);
}

/**
 * Locks a folder for this process, and creates it if needed.
 *
 * The returned function unlocks the folder, and removes it if it was created here and is still empty.
 * @throws ArgumentError while another process holds the lock, DataError when the folder cannot be created or written.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = resolve(folder, LOCK);
  let made: string | undefined;
  try {
    made = await makeFolder(folder);
    await take(folder, path);
  } catch (cause) {
    if (cause instanceof ArgumentError) throw cause;
    if (made !== undefined) await rmdir(folder).catch(() => undefined);
    throw new DataError({
      where: "study",
      argument: folder,
      wanted: "a place to write",
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      fix: "Choose another folder with --out.",
    });
  }
  held.add(path);
  const atExit = (): void => rmSync(path, { force: true }); // a process that ends early leaves no lock
  process.once("exit", atExit);
  return async () => {
    process.off("exit", atExit);
    held.delete(path);
    const owner = await readOwner(path);
    if (owner?.pid === process.pid && owner.host === hostname()) await rm(path, { force: true });
    if (made !== undefined) await rmdir(folder).catch(() => undefined); // fails if the folder has results
  };
}
