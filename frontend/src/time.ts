/** Instants and spans in words, in the reader's language, by the clocks of the agency. */
import type { LimitUnit, StoppedClock } from "@/api";
import { i18n, locale } from "@/i18n";
import { wallClock, zone } from "@/zone";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Day and minute; the year only when it is not this one. */
export function moment(iso: string | null | undefined, now = new Date()): string {
  if (!iso) return "";
  const at = new Date(iso);
  const sameYear = wallClock(at).slice(0, 4) === wallClock(now).slice(0, 4);
  return new Intl.DateTimeFormat(locale.value, {
    timeZone: zone.value,
    ...(sameYear ? {} : { year: "numeric" }),
    month: locale.value === "en" ? "short" : "numeric",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

/** A span in its two largest units. */
export function span(seconds: number): string {
  const { t } = i18n.global;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return t("due.second", { n: whole });
  if (whole < HOUR) return t("due.minute", { n: Math.floor(whole / MINUTE) });
  if (whole < DAY) return join(t("due.hour", { n: Math.floor(whole / HOUR) }), Math.floor((whole % HOUR) / MINUTE), "due.minute");
  return join(t("due.day", { n: Math.floor(whole / DAY) }), Math.floor((whole % DAY) / HOUR), "due.hour");
}

function join(first: string, rest: number, unit: string): string {
  return rest ? `${first} ${i18n.global.t(unit, { n: rest })}` : first;
}

/** Time left until ``due`` in words, or how far past it is. */
export function untilDue(due: string, now: Date): { over: boolean; words: string } {
  const seconds = (new Date(due).getTime() - now.getTime()) / 1000;
  const { t } = i18n.global;
  return seconds >= 0 ? { over: false, words: t("due.left", { time: span(seconds) }) } : { over: true, words: t("due.over", { time: span(-seconds) }) };
}

const UNITS: Record<LimitUnit, string> = {
  urgent_hour: "due.urgent_hour",
  urgent_day: "due.urgent_day",
  work_hour: "due.work_hour",
  work_day: "due.work_day",
};

/** What is left of a stopped limit, in the unit that it is counted in. */
export function whatIsLeft({ left }: StoppedClock): string {
  const { t } = i18n.global;
  if (left.amount <= 0) return t("due.stoppedLate");
  const n = left.amount.toLocaleString(locale.value, { maximumFractionDigits: 1 });
  return t("due.stoppedLeft", { amount: t(UNITS[left.unit], { n }) });
}
