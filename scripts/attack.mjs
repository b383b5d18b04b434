// npm run attack [-- --seed <n>] [names]: runs all attacks of tests/attack, or those whose file name begins with one of
// these names.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { findAdapter } from "./adapter.mjs";
import { follow } from "./processes.mjs";
import { install } from "./setup.mjs";

/** Seeds are whole numbers below this. */
const SEEDS = 2 ** 32;

try {
  const { values, positionals } = parseArgs({ options: { seed: { type: "string" } }, allowPositionals: true });
  const seed = values.seed === undefined ? randomInt(SEEDS) : Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= SEEDS)
    throw new Error(`--seed: wanted a whole number below ${SEEDS}, got ${values.seed}`);
  await install();
  const { kind, name, env } = await findAdapter();
  const repeat = ["npm run attack -- --seed", seed, ...positionals].join(" ");
  console.log(`${kind}: ${name}; seed ${seed}`);
  const files = positionals.length === 0 ? [] : positionals.map((word) => `tests/attack/${word}`);
  const options = ["node_modules/vitest/vitest.mjs", "run", "--project=attack", ...files];
  process.exitCode = await follow(options, { ...env, ATTACK_SEED: String(seed) });
  console.log(`repeat with: ${repeat}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
