/** A mail or a part of one, as in RFC 822. */
interface Entity {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Nested multiparts deeper than this are dropped; real mails stay below five. */
const MAXIMUM_DEPTH = 8;

function parseEntity(text: string): Entity {
  const end = text.search(/\n[ \t]*\n|\n$/);
  const head = end < 0 ? text : text.slice(0, end);
  const body = end < 0 ? "" : text.slice(end).replace(/^\n[ \t]*\n?/, "");
  const headers = new Map<string, string>();
  for (const line of head.replace(/\n[ \t]+/g, " ").split("\n")) {
    const match = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    if (match && !headers.has(match[1].toLowerCase())) headers.set(match[1].toLowerCase(), match[2]);
  }
  return { headers, body };
}

function decodeBytes(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes); // unknown charset label: latin1 maps every byte
  }
}

function base64(text: string, charset: string): string {
  return decodeBytes(Buffer.from(text, "base64"), charset);
}

function quotedPrintable(text: string, charset: string): string {
  return text
    .replace(/=[ \t]*\n/g, "")
    .replace(/(?:=[0-9a-f]{2})+/gi, (run) => decodeBytes(Buffer.from(run.replace(/=/g, ""), "hex"), charset));
}

/** Decodes RFC 2047 encoded words, `=?charset?Q|B?text?=`. */
function decodeHeader(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?([^?\s]+)\?([bq])\?([^?]*)\?=/gi, (_, charset: string, encoding: string, text: string) =>
      encoding.toLowerCase() === "b" ? base64(text, charset) : quotedPrintable(text.replace(/_/g, " "), charset),
    );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** Removes HTML tags, comments, scripts and styles; decodes common character references. */
export function stripMarkup(text: string): string {
  return text
    .replace(/<!--[\s\S]*?(?:-->|$)/g, "")
    .replace(/<(script|style)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, " ")
    .replace(/<\/?[a-z!?][^<>]*>/gi, " ")
    .replace(/&#(\d{1,6});/g, (_, code: string) => (Number(code) < 0x110000 ? String.fromCodePoint(Number(code)) : " "))
    .replace(/&([a-z]{2,8});/gi, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole);
}

function parameter(contentType: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;]+))`, "i").exec(contentType);
  return match?.[1] ?? match?.[2];
}

function parts(body: string, boundary: string): Entity[] {
  const delimiter = `--${boundary}`;
  const found: string[][] = [];
  let open = false;
  for (const line of body.split("\n")) {
    if (line.startsWith(delimiter)) {
      open = !line.startsWith(`${delimiter}--`);
      if (open) found.push([]);
    } else if (open) {
      found.at(-1)!.push(line);
    }
  }
  return found.map((lines) => parseEntity(lines[0] === "" ? `\n${lines.join("\n")}` : lines.join("\n")));
}

function entityText(entity: Entity, depth: number): string {
  if (depth > MAXIMUM_DEPTH) return "";
  const contentType = entity.headers.get("content-type") ?? "text/plain";
  const type = contentType.split(";")[0].trim().toLowerCase();
  const boundary = parameter(contentType, "boundary");
  if (type.startsWith("multipart/") && boundary !== undefined) {
    const texts = parts(entity.body, boundary)
      .map((part) => entityText(part, depth + 1))
      .filter((text) => text.trim() !== "");
    return type === "multipart/alternative" ? texts.slice(0, 1).join("") : texts.join("\n");
  }
  if (type === "message/rfc822") return mailText(entity.body, depth + 1);
  if (!type.startsWith("text/") && type.includes("/")) return "";
  const charset = parameter(contentType, "charset") ?? "latin1";
  const encoding = entity.headers.get("content-transfer-encoding")?.trim().toLowerCase();
  if (encoding === "base64") return stripMarkup(base64(entity.body, charset));
  if (encoding === "quoted-printable") return stripMarkup(quotedPrintable(entity.body, charset));
  return stripMarkup(entity.body);
}

/**
 * Decoded subject and body of one raw RFC 822 mail as plain text, without other headers, markup and attachments that
 * are not text.
 */
export function mailText(raw: string, depth = 0): string {
  const entity = parseEntity(raw.replace(/\r\n?/g, "\n").replace(/^From .*\n/, ""));
  return `${decodeHeader(entity.headers.get("subject") ?? "")}\n${entityText(entity, depth)}`;
}
