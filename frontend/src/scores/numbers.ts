/** Numbers of scores in words; what a line comes to is written by the server, who has it exact. */
import { i18n, locale } from "@/i18n";

function digits(value: number, least: number, most: number): string {
  return value.toLocaleString(locale.value, { minimumFractionDigits: least, maximumFractionDigits: most });
}

/** A score or points: two digits, as they are ranked. */
export function points(value: number | null): string {
  return value === null ? i18n.global.t("score.none") : digits(value, 2, 2);
}

/** As many digits as it needs, two at most. */
export function plain(value: number | null): string {
  return value === null ? i18n.global.t("score.none") : digits(value, 0, 2);
}

/** The server's words for a number, parted into what it comes to and the counts in brackets behind. */
export function parted(text: string): { value: string; counts: string } {
  const found = /^(.+?)\s*(?:（(.+)）|\((.+)\))$/.exec(text);
  return found ? { value: found[1] ?? "", counts: found[2] ?? found[3] ?? "" } : { value: text, counts: "" };
}

/** By how much, with its sign; nothing is said where nothing differs or one of them is none. */
export function difference(before: number | null, after: number | null): string {
  if (before === null || after === null || before === after) return "";
  return `${after > before ? "+" : "−"}${digits(Math.abs(after - before), 0, 2)}`;
}
