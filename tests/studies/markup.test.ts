import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { drawFigure, figureFile, renderReport, type Provenance } from "../../src/studies/report/html.js";
import { palette } from "../../src/studies/report/lines.js";
import { html, mathematics, toHtml } from "../../src/studies/report/markup.js";
import { figure, type Figure, type Plot, type TitledReport } from "../../src/studies/report/report.js";

/**
 * Texts that try to end texts, attributes and elements, or hold a namespace, an entity, or characters that XML forbids.
 */
const hostile = [
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  "</text></svg><script>alert(1)</script>",
  "</style><script>alert(1)</script>",
  "a & b &amp; &lt;script&gt; &quot;",
  "a xmlns=",
  'a xmlns="b" onload="alert(1)',
  "\u0000\u0007\u001b[2J\u009b\ufffe\ud800",
  "]]><![CDATA[<!-- -->",
];

const surface = { x: [-1, 0, 1], y: [-1, 0, 1], losses: [3, 2, 3, 2, 1, 2, 3, 2, 3] };

/** Every kind of plot with one text wherever it takes a text. */
const plots: Readonly<Record<Plot["kind"], (text: string) => Plot>> = {
  lines: (text) => ({
    kind: "lines",
    series: [
      { label: text, x: [1, 2], y: [1, 2], color: palette.blue, facet: text, band: { low: [0, 1], high: [2, 3] } },
      { label: `${text} 2`, x: [1, 2], y: [1, 2], color: text, facet: "other", dashed: true },
    ],
    xLabel: text,
    yLabel: text,
    dots: true,
  }),
  heat: (text) => ({
    kind: "heat",
    cells: [
      { x: text, y: text, value: 0.5, text },
      { x: "b", y: "c", value: 1, text },
    ],
    label: text,
  }),
  contours: (text) => ({
    kind: "contours",
    panels: [
      { name: text, surface },
      {
        name: text,
        surface,
        path: [
          [0, 0],
          [0.5, 0.5],
        ],
      },
    ],
    xLabel: text,
    yLabel: text,
  }),
  surfaces: (text) => ({ kind: "surfaces", panels: [{ name: text, surface }] }),
  overlay: (text) => ({
    kind: "overlay",
    input: { kind: "text", tokens: [text, "b"] },
    panels: [{ caption: text, rows: [{ name: text, values: [1, -2] }] }],
  }),
  pictures: (text) => ({
    kind: "pictures",
    pictures: [{ size: 2, levels: Uint8Array.of(0, 100, 200, 255), caption: text }],
  }),
};

const provenance = (text: string): Provenance => ({
  study: text,
  partial: true,
  part: text,
  // a file's content need not match its type
  seed: text as unknown as number,
  command: text,
  device: { kind: text as "cpu", name: text },
  versions: { [text]: text },
  startedAt: text,
  seconds: 1,
  configuration: { [text]: text },
});

/** Elements and attributes of a page or picture, which a text must not change. */
function skeleton(markup: string): string[] {
  const { document } = parseHTML(
    markup.startsWith("<!doctype") ? markup : `<!doctype html><html><body>${markup}</body></html>`,
  );
  return Array.from(
    document.querySelectorAll("*"),
    (element) =>
      `${element.localName} ${Array.from(element.attributes, ({ name }) => name)
        .sort()
        .join(" ")}`,
  );
}

/** Whether every `<` begins a tag with quoted attributes, and every `&` an entity, with nothing that XML forbids. */
const isWellFormed = (markup: string): boolean => {
  const letter = String.raw`[^<>&\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|&#\d+;`;
  const tag = String.raw`<\/[\w-]+>|<[\w-]+(?: [\w:-]+="(?:[^"<>&]|&#\d+;)*")*>`;
  return new RegExp(`^(?:${letter}|${tag})*$`, "u").test(markup);
};

describe.each(Object.entries(plots))("%s", (_, plotOf) => {
  it.each(hostile)("takes %j as text, in a file of its own and in a page", (text) => {
    const [figure, plain] = [text, "text"].map((own) => ({
      kind: "figure" as const,
      name: "a",
      title: own,
      plot: plotOf(own),
      caption: "",
    }));
    expect(isWellFormed(drawFigure(figure))).toBe(true);
    expect(skeleton(drawFigure(figure))).toEqual(skeleton(drawFigure(plain)));
    expect(figureFile(figure)).toContain(' xmlns="http://www.w3.org/2000/svg"');
    const page = (own: Figure): string => renderReport({ title: "", answer: "", blocks: [own] }, provenance("a"));
    expect(skeleton(page(figure))).toEqual(skeleton(page(plain)));
    expect(page(plain)).not.toMatch(/<svg[^>]* xmlns="/);
  });
});

it.each(hostile)("a report takes %j as text wherever it has a text", (text) => {
  const report = (own: string): string => {
    const titled: TitledReport = {
      title: own,
      answer: own,
      blocks: [
        { kind: "heading", text: own },
        { kind: "paragraph", text: own },
        { kind: "table", title: own, columns: [own, own], rows: [[own, own]], note: own },
        { kind: "figure", name: own, title: own, plot: plots.surfaces(own), caption: own, device: own },
      ],
    };
    return renderReport(titled, provenance(own));
  };
  expect(skeleton(report(text))).toEqual(skeleton(report("text")));
  const body = report(text).replace(/^.*?<body>/s, "<body>");
  expect(isWellFormed(body)).toBe(true);
});

it("escapes whatever JSON can hold, even what looks like markup", () => {
  expect(
    toHtml(html`<p>${JSON.parse('{"markup":"<b>","Symbol(markup)":"<b>"}')}${[1, "<", null, undefined]}</p>`),
  ).toBe("<p>[object Object]1\n&#60;\nnull\nundefined</p>");
});

it.each([
  ["W^Q, σ_max(J) and 2σ_0", "W<sup>Q</sup>, σ<sub>max</sub>(J) and 2σ<sub>0</sub>"],
  ["J and W^V_h", "J and W<sup>V</sup><sub>h</sub>"],
  ["U_(s_i s_j) e^(-t/2)", "U<sub>s<sub>i</sub> s<sub>j</sub></sub> e<sup>-t/2</sup>"],
  ["W_qᵀW_k", "W<sub>q</sub>ᵀW<sub>k</sub>"],
  ["hidden_states.0, a_b.csv, max_length, x_<b>", "hidden_states.0, a_b.csv, max_length, x_&#60;b&#62;"],
])("sets symbols as mathematics: %s", (text, wanted) => {
  expect(toHtml(mathematics(text))).toBe(wanted);
});

it("labels points over the whole axis, however many there are, and fractions as they are", () => {
  const labels = (x: readonly number[]): string[] => {
    const series = [{ label: "a", color: palette.blue, x, y: x }];
    const plot = { kind: "lines", series, xLabel: "steps", yLabel: "loss", dots: true } as const;
    const svg = parseHTML(drawFigure(figure("f", "t", plot, "c"))).document;
    return Array.from(svg.querySelectorAll('[aria-label="x-axis tick label"] text'), (text) => text.textContent);
  };
  expect(labels([0, 1.5, 2.5, 4])).toEqual(["0", "1.5", "2.5", "4"]);
  const many = labels(Array.from({ length: 30 }, (_, at) => 50 * (at + 1)));
  expect(many).toEqual(["50", "200", "350", "500", "650", "800", "950", "1100", "1250", "1400"]);
});
