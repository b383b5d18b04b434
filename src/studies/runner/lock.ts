import { rmSync } from "node:fs";
import { open, readFile, rm, rmdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ArgumentError, DataError } from "../../core/errors.js";
import { makeFolder, writeAtomically } from "./results.js";

/** The file in a folder that names the process which writes there. */
const LOCK = "lock";

/** Between the making of a lock and its content, and between two who take over the same one: processes need far less. */
const SETTLE_MS = 50;

interface Owner {
  readonly host: string;
  readonly pid: number;
}

/** Locks of this process: after a restart in a container another process may have had its number. */
const held = new Set<string>();

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [, pid, host] = /^(\d+) (.+)\n$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), host };
}

function isAlive({ host, pid }: Owner, path: string): boolean {
  if (host !== hostname()) return true; // nobody here can tell
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // of another user
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

/** Makes the lock, or takes it over from a process that is dead. */
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
      await rm(path, { force: true }); // a full disk: a lock that names nobody would outlive this process
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
  await sleep(SETTLE_MS); // of several who take it over, the last has it
  const last = await readOwner(path);
  if (last === undefined) return take(folder, path);
  if (last.pid !== process.pid || last.host !== hostname()) throw inUse(folder, last);
}

/**
 * Makes a folder this process's own until the function that it gives is called; a folder that was made for it and is still empty goes with the lock.
 *
 * @throws ArgumentError while another process has it, DataError when the folder cannot be made or written.
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
    throw new DataError({ where: "study", argument: folder, wanted: "a place to write", got: (cause as NodeJS.ErrnoException).code ?? String(cause), fix: "Choose another folder with --out." });
  }
  held.add(path);
  const atExit = (): void => rmSync(path, { force: true }); // a process that ends in the midst leaves no lock
  process.once("exit", atExit);
  return async () => {
    process.off("exit", atExit);
    held.delete(path);
    const owner = await readOwner(path);
    if (owner?.pid === process.pid && owner.host === hostname()) await rm(path, { force: true });
    if (made !== undefined) await rmdir(folder).catch(() => undefined); // not empty: there are results in it
  };
}
