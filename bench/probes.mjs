// The adapter's roofline: its rates of memory copies and of multiply-adds in registers.
import { create } from "webgpu";
import { ratesOf } from "./rates.mjs";

/** The rates of Dawn's adapter, as medians of `runs`. */
export async function roofline({ runs }) {
  const gpu = create([]); // kept to the end, because Dawn's objects die with it
  const adapter = await gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const rates = await ratesOf(device, { runs });
  device.destroy();
  return { ...rates, keep: gpu };
}
