import { onMounted, reactive, ref, watch, type Ref } from "vue";

/** How a setting stands in the URL. */
export interface Setting<Value> {
  readonly initial: Value;
  /** The value of a text; undefined if it has none. */
  readonly read: (text: string) => Value | undefined;
  readonly write: (value: Value) => string;
}

/**
 * A number between two bounds.
 *
 * @param initial its value without a URL
 * @param least lower bound
 * @param most upper bound
 */
export const real = (initial: number, least: number, most: number): Setting<number> => ({
  initial,
  read: (text) => (text.trim() !== "" && Number(text) >= least && Number(text) <= most ? Number(text) : undefined),
  write: String,
});

/**
 * A whole number between two bounds.
 *
 * @param initial its value without a URL
 * @param least lower bound
 * @param most upper bound
 */
export function whole(initial: number, least: number, most: number): Setting<number> {
  const { read, write } = real(initial, least, most);
  return { initial, read: (text) => (Number.isInteger(read(text)) ? read(text) : undefined), write };
}

/**
 * One of some words.
 *
 * @param initial its value without a URL
 * @param words all that it may be
 */
export const oneOf = <Word extends string>(initial: NoInfer<Word>, words: readonly Word[]): Setting<Word> => ({
  initial,
  read: (text) => words.find((word) => word === text),
  write: (word) => word,
});

/**
 * Some of the words, at least one, in their order.
 *
 * @param initial its value without a URL
 * @param words all that it may hold
 */
export const someOf = <Word extends string>(
  initial: readonly NoInfer<Word>[],
  words: readonly Word[],
): Setting<readonly Word[]> => ({
  initial,
  read(text) {
    const named = text.split(",");
    const known = words.filter((word) => named.includes(word));
    return known.length > 0 && known.length === named.length ? known : undefined;
  },
  write: (chosen) => words.filter((word) => chosen.includes(word)).join(","),
});

/** Yes or no. @param initial its value without a URL */
export const flag = (initial: boolean): Setting<boolean> => ({
  initial,
  read: (text) => ({ yes: true, no: false })[text],
  write: (value) => (value ? "yes" : "no"),
});

/** The settings of a schema. */
export type SettingsOf<Own> = { -readonly [Name in keyof Own]: Own[Name] extends Setting<infer Value> ? Value : never };

/**
 * Settings of a page, which stand in its URL where they differ from the initial ones; what else stands there stays.
 * `ready` turns true once the URL is read.
 *
 * @param schema the settings by their name in the URL
 */
export function useSettings<
  Own extends { readonly [Name in keyof Own]: Setting<never> | Setting<SettingsOf<Own>[Name]> },
>(schema: Own): { readonly settings: SettingsOf<Own>; readonly ready: Ref<boolean> } {
  const entries = Object.entries(schema) as unknown as [string, Setting<unknown>][];
  const settings = reactive(Object.fromEntries(entries.map(([name, { initial }]) => [name, initial])));
  const ready = ref(false);
  onMounted(() => {
    const query = new URLSearchParams(location.search);
    for (const [name, { read }] of entries) {
      const value = read(query.get(name) ?? "");
      if (value !== undefined) settings[name] = value;
    }
    ready.value = true;
    watch(settings, () => {
      const changed = entries.filter(([name, { initial, write }]) => write(settings[name]) !== write(initial));
      const others = [...query].filter(([name]) => !(name in schema)).map((pair) => pair.join("="));
      const own = changed.map(([name, { write }]) => `${name}=${write(settings[name])}`);
      const text = [...others, ...own].join("&");
      history.replaceState(history.state, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
    });
  });
  return { settings: settings as SettingsOf<Own>, ready };
}

/** Whether settings have the values of a preset. @param settings those of a page @param preset some values */
export const fits = (settings: object, preset: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(preset).every(([name, value]) => String(settings[name as never]) === String(value));

/**
 * The words with one more or one fewer; the last one stays.
 *
 * @param words those chosen
 * @param word the one to add or to take away
 */
export function toggled<Word extends string>(words: readonly Word[], word: Word): readonly Word[] {
  const chosen = words.includes(word) ? words.filter((other) => other !== word) : [...words, word];
  return chosen.length > 0 ? chosen : words;
}
