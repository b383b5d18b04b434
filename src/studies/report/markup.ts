/** A symbol cannot come from JSON, so data cannot pass as markup. */
const MARKUP = Symbol("markup");

/** Text with tags. */
export interface Markup {
  readonly [MARKUP]: string;
}

const ELEMENT_NODE = 1;
/** Characters that HTML and XML forbid even when escaped: control characters, lone surrogates, noncharacters. */
const FORBIDDEN = new RegExp(
  [
    String.raw`[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]`,
    String.raw`[\ud800-\udbff](?![\udc00-\udfff])`,
    String.raw`(?<![\ud800-\udbff])[\udc00-\udfff]`,
  ].join("|"),
  "g",
);

/** Escapes a value for an element or a quoted attribute of HTML or SVG. */
const escape = (value: unknown): string =>
  String(value)
    .replace(FORBIDDEN, "\ufffd")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A letter with indices or exponents: W^Q, σ_max, W^V_h, e^(-t/2). */
const SYMBOL = /(?<![A-Za-z_^])([\p{L}‖])((?:[\^_](?:\([^()]*\)|[A-Za-z0-9]{1,3}))+)(?![\w]|\.\w)/gu;
const INDEX = /([\^_])(?:\(([^()]*)\)|([A-Za-z0-9]+))/g;

/** Escaped text, in which `raise` sets each index or exponent; it gets `^` or `_` and the content. */
function withSymbols(text: unknown, raise: (kind: string, index: string) => string): string {
  return escape(text).replace(
    SYMBOL,
    (_, letter: string, indices: string) =>
      letter +
      indices.replace(INDEX, (_all, kind: string, group: string | undefined, word: string) =>
        raise(kind, group === undefined ? word : withSymbols(group, raise)),
      ),
  );
}

/** Marks a string as markup; its caller has escaped everything but the tags. */
export const raw = (markup: string): Markup => ({ [MARKUP]: markup });

function textOf(part: unknown): string {
  if (Array.isArray(part)) return part.map(textOf).join("\n");
  return typeof part === "object" && part !== null && MARKUP in part ? (part as Markup)[MARKUP] : escape(part);
}

/** HTML of a template; escapes its values, except markup and lists of markup. */
export const html = (strings: TemplateStringsArray, ...parts: readonly unknown[]): Markup =>
  raw(String.raw({ raw: strings }, ...parts.map(textOf)));

/** Text for HTML with indices and exponents set as mathematics. */
export const mathematics = (text: string): Markup =>
  raw(withSymbols(text, (kind, index) => (kind === "^" ? `<sup>${index}</sup>` : `<sub>${index}</sub>`)));

/** As `mathematics`, for SVG text of 12 pixels. */
const spans = (text: string): string =>
  withSymbols(
    text,
    (kind, index) =>
      `<tspan dy="${kind === "^" ? -4 : 3}" font-size="80%">${index}</tspan><tspan ` +
      `dy="${kind === "^" ? 4 : -3}">\u200b</tspan>`,
  );

/** The string of markup. */
export const toHtml = (markup: Markup): string => markup[MARKUP];

/**
 * A drawn element as a string that is well-formed in its own file and in an HTML page, whatever its texts and
 * attributes hold.
 */
export function toSvg(node: Node): string {
  if (node.nodeType !== ELEMENT_NODE)
    return node.parentNode?.nodeName.toLowerCase() === "text"
      ? spans(String(node.textContent))
      : escape(node.textContent);
  const { localName, attributes, childNodes } = node as Element;
  const named = Array.from(attributes, ({ name, value }) => ` ${name}="${escape(value)}"`).join("");
  return `<${localName}${named}>${Array.from(childNodes, toSvg).join("")}</${localName}>`;
}

/** An SVG for a page, where it needs no namespace. */
export const inline = (svg: string): Markup =>
  raw(
    svg.replace(/<svg(?: [\w:-]+="[^"]*")*>/g, (tag) =>
      tag.replace(/ ([\w:-]+)="[^"]*"/g, (attribute, name: string) => (/^xmlns(?::|$)/.test(name) ? "" : attribute)),
    ),
  );
