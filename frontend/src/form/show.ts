/** Stored values in words, for reading. */
import { i18n, locale, text } from "@/i18n";
import { moment } from "@/time";
import type { Field } from "./plan";

/** The words of a value that needs nothing looked up; null when it does (names, files, places, groups). */
export function showPlain(field: Field, value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  const { t } = i18n.global;
  const kind = field.type === "computed" ? (field.result ?? "text") : field.type;
  if (kind === "boolean") return value === true ? t("common.yes") : t("common.no");
  if (kind === "choice" || kind === "multi_choice") return labels(field, value);
  if (kind === "datetime" && typeof value === "string") return moment(value);
  if (typeof value === "number") return number(field, kind, value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function labels(field: Field, value: unknown): string {
  const chosen = Array.isArray(value) ? value : [value];
  const names = chosen.map((one) => text(field.options?.find((option) => option.value === one)?.label) || String(one));
  return names.join(locale.value === "en" ? ", " : "、");
}

function number(field: Field, kind: string, value: number): string {
  if (kind === "money") return `${value.toLocaleString(locale.value, { minimumFractionDigits: 2 })} ${i18n.global.t("field.yuan")}`;
  const unit = text(field.unit);
  return value.toLocaleString(locale.value, { maximumFractionDigits: 8 }) + (unit ? ` ${unit}` : "");
}
