/** The way to a form in the words of a notice that asks its reader something. */
const LINK = /(?:https?:\/\/[^\s#]+)?\/a(#[\w-]+\/[0-9A-Z]+)/;

/** What stands behind # in the link, if there is one: agency and secret. */
export function linkIn(words: string): string | null {
  return LINK.exec(words)?.[1] ?? null;
}

/** The words without the link, which nobody reads. */
export function withoutLink(words: string): string {
  return words.replace(LINK, "").replace(/[：:]\s*$/, "").trim();
}
