import { expect, it } from "vitest";
import { ops, wrapDevice } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { available } from "../support/gpu.js";

it.runIf(available)("everything that this library makes on the device has a label", async () => {
  const made: { kind: string; label: string }[] = [];
  const own = await openDevice({});
  const kinds = Object.getOwnPropertyNames(Object.getPrototypeOf(own)).filter((name) => name.startsWith("create"));
  for (const kind of kinds) {
    const create = (own as unknown as Record<string, (given?: { label?: string }) => unknown>)[kind];
    Reflect.defineProperty(own, kind, {
      value: (given?: { label?: string }) => {
        made.push({ kind, label: String(given?.label) });
        return create.call(own, given);
      },
    });
  }
  const guest = wrapDevice(own);
  const x = guest.tensor([1, 2, 3, 4]);
  if (guest.hasTimestamps) await guest.profile(() => ops.square(x));
  await ops.sum(ops.add(x, 1)).read();
  guest.fromBuffer((await guest.bufferOf(x)).buffer, [4]);
  await guest.warmUp(() => ops.exp(x));
  expect(new Set(made.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(8);
  expect(made.filter(({ label }) => label === "" || label === "undefined")).toEqual([]);
  guest.dispose();
  own.destroy();
});
