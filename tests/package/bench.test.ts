import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeGpu } from "../support/gpu.js";

describeGpu("the bench", () => {
  it("checks, times, and reports what it ran on", () => {
    const folder = mkdtempSync(join(tmpdir(), "bench-"));
    const out = join(folder, "report.json");
    try {
      const printed = execFileSync(
        process.execPath,
        // fewer tokens take longer: the bench warms up with the same number of pairs in more calls
        ["bench/run.mjs", "--kernels", "softmax,linear", "--heads", "4", "--dim", "4", "--runs", "2", "--out", out],
        { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      );
      expect(printed).toContain("forward + backward");
      const report = JSON.parse(readFileSync(out, "utf8")) as Record<string, unknown> & {
        readonly rows: readonly {
          readonly kernel: string;
          readonly error: number;
          readonly forward: { readonly median: number };
        }[];
      };
      expect(report).toMatchObject({
        n: 512,
        dim: 4,
        device: { name: expect.any(String) as string },
        commit: expect.any(String) as string,
      });
      expect(report.rows.map(({ kernel }) => kernel)).toEqual(["softmax", "linear"]);
      for (const { error, forward } of report.rows) {
        expect(error).toBeLessThan(1e-4);
        expect(forward.median).toBeGreaterThan(0);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
