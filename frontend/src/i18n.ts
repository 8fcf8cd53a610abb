/** The two languages. Chinese is the origin; English has every key (checked by the type and by a test). */
import { computed } from "vue";
import { createI18n } from "vue-i18n";
import { context, type Title } from "@/api";
import en from "@/locales/en";
import zh from "@/locales/zh-CN";

export type Locale = "zh-CN" | "en";

const STORED = "wangge.locale";

export const i18n = createI18n({ legacy: false, locale: remembered() ?? "zh-CN", fallbackLocale: "zh-CN", messages: { "zh-CN": zh, en } });

export const locale = computed<Locale>(() => i18n.global.locale.value);

/** What the reader chose on this device, if anything. */
export function remembered(): Locale | null {
  const stored = localStorage.getItem(STORED);
  return stored === "zh-CN" || stored === "en" ? stored : null;
}

export function useLanguage(name: Locale, options: { keep: boolean }): void {
  i18n.global.locale.value = name;
  context.locale = name;
  document.documentElement.lang = name;
  if (options.keep) localStorage.setItem(STORED, name);
}

/** Map the server's name of a language to ours. */
export function localeOf(name: string): Locale {
  return name.startsWith("en") ? "en" : "zh-CN";
}

/** The text of a title in the reader's language. */
export function text(title: Title | null | undefined): string {
  if (title === null || title === undefined) return "";
  if (typeof title === "string") return title;
  const wanted = locale.value === "en" ? title["en"] : (title["zh_CN"] ?? title["zh-CN"]);
  return wanted ?? Object.values(title).find((one) => one) ?? "";
}
