import { random, type Random } from "../../src/index.js";

/** `npm run attack` attacks at length; `npm test` runs the same files shorter, with the same seed each time. */
const long = process.env["ATTACK"] === "long";

/** The seed of everything that an attack draws. */
export const seed = Number(process.env["ATTACK_SEED"] ?? 1);
if (!Number.isSafeInteger(seed) || seed < 0)
  throw new Error(`ATTACK_SEED: wanted a whole number, got ${process.env["ATTACK_SEED"]}`);

/** Length of an attack: `short` within `npm test`, `whole` in `npm run attack`. */
export const sized = (short: number, whole: number): number => (long ? whole : short);

/** Random numbers of an attack of this name, independent of other attacks. */
export function drawn(attack: string): Random {
  let digest = seed;
  for (const letter of attack) digest = (Math.imul(digest, 31) + letter.charCodeAt(0)) >>> 0;
  return random(digest);
}

/** Milliseconds after which a device request counts as hanging; a software adapter compiles for seconds. */
const HANGS_MS = 60_000;

/** The promise's value, or an error that names what hangs. */
export async function within<Result>(what: string, promise: Promise<Result>, milliseconds = HANGS_MS): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing for ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error that a call throws or rejects with; undefined where it succeeds. */
export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}
