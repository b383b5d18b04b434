import { describe, expect, it } from "vitest";
import { mailText, stripMarkup } from "../../src/studies/corpus/mail.js";
import { tokenize } from "../../src/studies/corpus/tokenize.js";

const words = (raw: string): string => tokenize(mailText(raw)).join(" ");

describe("mailText", () => {
  it("keeps subject and body, and no other header", () => {
    const raw =
      "From a@b Tue\nReceived: from secret\n\tby folded secret\nSubject: Hello\n there\nX-Spam: " +
      "yes\n\nFirst line\n\nSecond: line\n";
    expect(words(raw)).toBe("hello there first line second line");
  });

  it("decodes encoded words, quoted-printable and base64", () => {
    const body = Buffer.from("plain wörds").toString("base64");
    const base64 =
      `Subject: =?utf-8?Q?caf=C3=A9_?= =?utf-8?B?${Buffer.from("olé").toString("base64")}?=\nContent-Type: ` +
      `text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${body}\n`;
    expect(words(base64)).toBe("café olé plain wörds");
    const quoted = "Subject: s\nContent-Transfer-Encoding: quoted-printable\n\nlong=\ner =41\n";
    expect(words(quoted)).toBe("s longer a");
  });

  it("reads one alternative of a multipart mail and drops attachments, part headers and boundaries", () => {
    const raw = [
      "Subject: s",
      'Content-Type: multipart/mixed; boundary="outer"',
      "",
      "preamble",
      "--outer",
      "Content-Type: multipart/alternative; boundary=inner",
      "",
      "--inner",
      "Content-Type: text/plain",
      "",
      "readable",
      "--inner",
      "Content-Type: text/html",
      "",
      "<b>duplicate</b>",
      "--inner--",
      "--outer",
      "Content-Type: image/gif",
      "Content-Transfer-Encoding: base64",
      "",
      "R0lGODlh",
      "--outer--",
      "epilogue",
    ].join("\n");
    expect(words(raw)).toBe("s readable");
  });
});

it("stripMarkup leaves text alone and removes tags, comments, scripts and styles", () => {
  expect(stripMarkup("a <b>c</b><!-- d --><style>e</style>&amp;&#102; 1 < 2").replace(/\s+/g, " ")).toBe(
    "a c &f 1 < 2",
  );
});

it("tokenize gives lower-case words, one token for every number, and no debris", () => {
  expect(tokenize(`Don't pay $1,000! ${"x".repeat(31)} Ünïcode`)).toEqual(["don't", "pay", "0", "0", "ünïcode"]);
});
