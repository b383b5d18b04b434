import type { Table } from "../studies/report/report.js";

/** A table as aligned text. */
export function formatTable({ title, columns, rows, note }: Table): string {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index].length)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, index) => cell.padEnd(widths[index])).join("  ")}`.trimEnd();
  const rule = `  ${widths.map((width) => "─".repeat(width)).join("  ")}`;
  return [title, line(columns), rule, ...rows.map(line), ...(note === undefined ? [] : [`  ${note}`])].join("\n");
}
