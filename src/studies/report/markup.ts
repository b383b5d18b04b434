/** Cannot come from JSON, so no data pass for markup. */
const MARKUP = Symbol("markup");

/** Text with tags in it. */
export interface Markup {
  readonly [MARKUP]: string;
}

const ELEMENT_NODE = 1;
/** What neither HTML nor XML may hold, even escaped: control characters, halves of surrogate pairs, noncharacters. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A value as text in an element or in a quoted attribute, of HTML or SVG. */
const escape = (value: unknown): string =>
  String(value).replace(FORBIDDEN, "\ufffd").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A letter with indices or exponents: W^Q, σ_max, W^V_h, e^(-t/2). */
const SYMBOL = /(?<![A-Za-z_^])([\p{L}‖])((?:[\^_](?:\([^()]*\)|[A-Za-z0-9]{1,3}))+)(?![\w]|\.\w)/gu;
const INDEX = /([\^_])(?:\(([^()]*)\)|([A-Za-z0-9]+))/g;

/** Escaped text whose symbols are set as mathematics by `raise`, which gets `^` or `_` and what stands there. */
function withSymbols(text: unknown, raise: (kind: string, index: string) => string): string {
  return escape(text).replace(SYMBOL, (_, letter: string, indices: string) =>
    letter + indices.replace(INDEX, (_all, kind: string, group: string | undefined, word: string) => raise(kind, group === undefined ? word : withSymbols(group, raise))),
  );
}

/** A string that has its tags, from a function that escaped all else. */
export const raw = (markup: string): Markup => ({ [MARKUP]: markup });

function textOf(part: unknown): string {
  if (Array.isArray(part)) return part.map(textOf).join("\n");
  return typeof part === "object" && part !== null && MARKUP in part ? (part as Markup)[MARKUP] : escape(part);
}

/** HTML of a template: whatever stands in it is escaped, but for markup and lists of it. */
export const html = (strings: TemplateStringsArray, ...parts: readonly unknown[]): Markup => raw(String.raw({ raw: strings }, ...parts.map(textOf)));

/** Text for HTML with its symbols set as mathematics. */
export const mathematics = (text: string): Markup => raw(withSymbols(text, (kind, index) => (kind === "^" ? `<sup>${index}</sup>` : `<sub>${index}</sub>`)));

/** The same for SVG, in pixels of a font of 12. */
const spans = (text: string): string => withSymbols(text, (kind, index) => `<tspan dy="${kind === "^" ? -4 : 3}" font-size="80%">${index}</tspan><tspan dy="${kind === "^" ? 4 : -3}">\u200b</tspan>`);

/** The string of a template's result. */
export const toHtml = (markup: Markup): string => markup[MARKUP];

/** A drawn element as a string, well-formed both as a file of its own and in an HTML page, whatever its texts and attributes hold. */
export function toSvg(node: Node): string {
  if (node.nodeType !== ELEMENT_NODE) return node.parentNode?.nodeName.toLowerCase() === "text" ? spans(String(node.textContent)) : escape(node.textContent);
  const { localName, attributes, childNodes } = node as Element;
  const named = Array.from(attributes, ({ name, value }) => ` ${name}="${escape(value)}"`).join("");
  return `<${localName}${named}>${Array.from(childNodes, toSvg).join("")}</${localName}>`;
}

/** An SVG as it stands in a page, where it needs no namespace. */
export const inline = (svg: string): Markup =>
  raw(svg.replace(/<svg(?: [\w:-]+="[^"]*")*>/g, (tag) => tag.replace(/ ([\w:-]+)="[^"]*"/g, (attribute, name: string) => (/^xmlns(?::|$)/.test(name) ? "" : attribute))));
