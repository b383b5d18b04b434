import type { DeviceDescription } from "../../core/tensor.js";
import { heatMap } from "./heat.js";
import { contourPlot, surfacePlot } from "./landscape.js";
import { linePlot } from "./lines.js";
import { html, inline, mathematics, raw, toHtml, type Markup } from "./markup.js";
import { overInput } from "./over-input.js";
import { pictureGrid } from "./picture.js";
import type { Block, Figure, Table, TitledReport } from "./report.js";

/** Where the numbers of a report come from. */
export interface Provenance {
  readonly study: string;
  /** True while the study runs, and if it was stopped. */
  readonly partial: boolean;
  /** The chosen tasks, if not all: "shard 2 of 8", "only gaussian". */
  readonly part?: string;
  readonly seed: number;
  /** The command that repeats the study. */
  readonly command: string;
  readonly device: DeviceDescription;
  readonly versions: Readonly<Record<string, string>>;
  readonly startedAt: string;
  /** Time of the study, including tasks of earlier runs and other processes. */
  readonly seconds: number;
  readonly configuration: unknown;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #555; --line: #ddd; --shade: #f5f5f5; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.answer { font-size: 1.15rem; } .partial { border-left: 4px solid #b35900; padding-left: 0.75rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; margin: 0.5rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
sub, sup { line-height: 0; } summary { cursor: pointer; }
figure { margin: 1.5rem 0; }
figure svg { width: 45rem; max-width: 100%; min-width: 32rem; height: auto; color: #1a1a1a; }
figcaption, .note { font-size: 0.85rem; color: var(--faint); }
code, pre { font: 0.85rem ui-monospace, monospace; background: var(--shade); }
pre { padding: 0.75rem; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #161616; --faint: #aaa; --line: #444; --shade: #262626; }
  figure.lines svg { filter: invert(0.9) hue-rotate(180deg); }
}
@media (max-width: 40rem) { .answer { font-size: 1rem; } th, td { padding-right: 0.5rem; } }
`;

/** Seed, device and command of a figure; `own` is the device of a figure that is always computed there. */
function provenanceLine({ seed, command, device }: Provenance, own: string | undefined): Markup {
  return html`Seed ${seed}, ${own === undefined ? `on ${device.name}` : `always on ${own}`}. Repeat with
    <code>${command}</code>`;
}

function renderTable({ title, columns, rows, note, folded }: Table): Markup {
  const caption = folded
    ? []
    : html`<caption>
        ${mathematics(title)}
      </caption>`;
  const body = html`<div class="scroll">
      <table>
        ${caption}
        <thead>
          <tr>
            ${columns.map((text) => html`<th>${mathematics(text)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((text) => html`<td>${mathematics(text)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${note === undefined ? [] : html`<p class="note">${mathematics(note)}</p>`}`;
  return folded
    ? html`<details>
        <summary>${mathematics(title)}</summary>
        ${body}
      </details>`
    : body;
}

/** The stand-alone SVG of a figure. */
export function drawFigure({ title, plot }: Figure): string {
  switch (plot.kind) {
    case "lines":
      return linePlot(plot, title);
    case "heat":
      return heatMap(plot.cells, plot.label, title);
    case "contours":
      return contourPlot(plot.panels, plot, title);
    case "surfaces":
      return surfacePlot(plot.panels, title);
    case "overlay":
      return overInput(plot, title);
    case "pictures":
      return pictureGrid(plot.pictures, title);
  }
}

function renderFigure(figure: Figure, provenance: Provenance): Markup {
  const { caption, device } = figure;
  return html`<figure class="${figure.plot.kind}">
    <div class="scroll">${inline(drawFigure(figure))}</div>
    <figcaption>${mathematics(caption)} ${provenanceLine(provenance, device)}</figcaption>
  </figure>`;
}

function renderBlock(block: Block, provenance: Provenance): Markup {
  switch (block.kind) {
    case "heading":
      return html`<h2>${mathematics(block.text)}</h2>`;
    case "paragraph":
      return html`<p>${mathematics(block.text)}</p>`;
    case "table":
      return renderTable(block);
    case "figure":
      return renderFigure(block, provenance);
  }
}

/** The content of a figure's own file. */
export const figureFile = (figure: Figure): string => `<?xml version="1.0" encoding="UTF-8"?>\n${drawFigure(figure)}\n`;

/** One self-contained HTML page: pictures inline, no scripts, no external fonts. */
export function renderReport({ title, answer, blocks }: TitledReport, provenance: Provenance): string {
  const facts: readonly (readonly [string, string])[] = [
    ["command", provenance.command],
    ["seed", String(provenance.seed)],
    ["device", `${provenance.device.name} (${provenance.device.kind})`],
    ["started", provenance.startedAt],
    ["duration", `${provenance.seconds.toFixed(1)} s`],
    ...Object.entries(provenance.versions),
  ];
  const remarks = [
    ...(provenance.partial ? ["This study was stopped before its end; the numbers below are partial."] : []),
    ...(provenance.part === undefined ? [] : [`This is a part of the study: ${provenance.part}.`]),
  ];
  return toHtml(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${title}</title>
          <style>
            ${raw(STYLE)}
          </style>
        </head>
        <body>
          <h1>${mathematics(title)}</h1>
          <p class="answer">${mathematics(answer)}</p>
          ${remarks.map((text) => html`<p class="partial">${text}</p>`)}
          ${blocks.map((block) => renderBlock(block, provenance))}
          <h2>How these numbers came about</h2>
          ${renderTable({ kind: "table", title: "Run", columns: ["what", "value"], rows: facts })}
          <details>
            <summary>Configuration</summary>
            <pre>${JSON.stringify(provenance.configuration, null, 2)}</pre>
          </details>
        </body>
      </html> `,
  );
}
