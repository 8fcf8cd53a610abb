/** Periods of evaluation, written as the server writes them: 2026-03, 2026-03-a, 2026-W12, 2026-Q1, 2026-H1, 2026, 2026-03-05..2026-03-20. */
import { i18n } from "@/i18n";

export type PeriodKind = "half_month" | "week" | "month" | "quarter" | "half_year" | "year" | "free";

export interface Period {
  kind: PeriodKind;
  key: string;
  /** First and last day, both of them in it. */
  first: string;
  last: string;
}

const DAY_MS = 86_400_000;

const day = (written: string): Date => new Date(`${written}T00:00:00Z`);
const write = (at: Date): string => at.toISOString().slice(0, 10);
const two = (n: number): string => String(n).padStart(2, "0");
const added = (written: string, days: number): string => write(new Date(day(written).getTime() + days * DAY_MS));

function made(kind: PeriodKind, key: string, first: string, next: string): Period {
  return { kind, key, first, last: added(next, -1) };
}

/** The months from ``month`` (counted from 0, of any size) of a year. */
function months(kind: PeriodKind, key: string, year: number, month: number, count: number): Period {
  return made(kind, key, write(new Date(Date.UTC(year, month, 1))), write(new Date(Date.UTC(year, month + count, 1))));
}

/** The period of a kind that a day lies in. */
export function periodAt(kind: Exclude<PeriodKind, "free">, written: string): Period {
  const at = day(written);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  if (kind === "week") return weekAt(at);
  if (kind === "half_month") return half(year, month, at.getUTCDate() > 15);
  if (kind === "month") return months(kind, `${year}-${two(month + 1)}`, year, month, 1);
  if (kind === "quarter") return months(kind, `${year}-Q${Math.floor(month / 3) + 1}`, year, month - (month % 3), 3);
  if (kind === "half_year") return months(kind, `${year}-H${month < 6 ? 1 : 2}`, year, month < 6 ? 0 : 6, 6);
  return months(kind, String(year), year, 0, 12);
}

function half(year: number, month: number, second: boolean): Period {
  const of = `${year}-${two(month + 1)}`;
  const middle = `${of}-16`;
  return second ? made("half_month", `${of}-b`, middle, write(new Date(Date.UTC(year, month + 1, 1)))) : made("half_month", `${of}-a`, `${of}-01`, middle);
}

/** A week begins on Monday, and belongs to the year that most of it lies in. */
function weekAt(at: Date): Period {
  const monday = new Date(at.getTime() - ((at.getUTCDay() + 6) % 7) * DAY_MS);
  const thursday = new Date(monday.getTime() + 3 * DAY_MS);
  const year = thursday.getUTCFullYear();
  const number = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return made("week", `${year}-W${two(number)}`, write(monday), added(write(monday), 7));
}

/** Any days, the last one included. */
export function freePeriod(first: string, last: string): Period {
  return { kind: "free", key: `${first}..${last}`, first, last };
}

const FORMS: [RegExp, (found: RegExpExecArray) => Period | null][] = [
  [/^(\d{4})-(\d\d)-([ab])$/, ([, year, month, part]) => periodAt("half_month", `${year}-${month}-${part === "a" ? "01" : "16"}`)],
  // The fourth of January always lies in the first week.
  [/^(\d{4})-W(\d\d)$/, ([, year, week]) => periodAt("week", added(`${year}-01-04`, (Number(week) - 1) * 7))],
  [/^(\d{4})-(\d\d)$/, ([, year, month]) => periodAt("month", `${year}-${month}-01`)],
  [/^(\d{4})-Q([1-4])$/, ([, year, quarter]) => periodAt("quarter", `${year}-${two(Number(quarter) * 3)}-01`)],
  [/^(\d{4})-H([12])$/, ([, year, part]) => periodAt("half_year", `${year}-${part === "1" ? "01" : "07"}-01`)],
  [/^(\d{4})$/, ([, year]) => periodAt("year", `${year}-01-01`)],
  [/^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/, ([, first, last]) => (first && last && first <= last ? freePeriod(first, last) : null)],
];

/** Read a written period; null is what is none, such as a month 13 or a week 54. */
export function parsePeriod(written: string): Period | null {
  for (const [form, make] of FORMS) {
    const found = form.exec(written);
    if (!found) continue;
    try {
      const period = make(found);
      return period?.key === written ? period : null;
    } catch (error) {
      // A day that no calendar has.
      if (error instanceof RangeError) return null;
      throw error;
    }
  }
  return null;
}

/** The period ``by`` places later, or earlier; a range of days moves by its own length. */
export function shifted(period: Period, by: number): Period {
  if (period.kind === "free") {
    const days = Math.round((day(period.last).getTime() - day(period.first).getTime()) / DAY_MS) + 1;
    return freePeriod(added(period.first, by * days), added(period.last, by * days));
  }
  let now = period;
  for (let step = 0; step < Math.abs(by); step += 1) now = periodAt(period.kind, by > 0 ? added(now.last, 1) : added(now.first, -1));
  return now;
}

/** A period in words. */
export function periodName(period: Period): string {
  const { t } = i18n.global;
  const [year, month] = [period.first.slice(0, 4), Number(period.first.slice(5, 7))];
  switch (period.kind) {
    case "half_month":
      return t(period.key.endsWith("a") ? "period.firstHalf" : "period.secondHalf", { month: monthName(year, month) });
    case "week":
      return t("period.weekOf", { year: period.key.slice(0, 4), n: Number(period.key.slice(6)) });
    case "month":
      return monthName(year, month);
    case "quarter":
      return t("period.quarterOf", { year, n: Math.ceil(month / 3) });
    case "half_year":
      return t(month === 1 ? "period.firstHalfYear" : "period.secondHalfYear", { year });
    case "year":
      return t("period.yearOf", { year });
    case "free":
      return t("period.days", { first: period.first, last: period.last });
  }
}

function monthName(year: string, month: number): string {
  const shown = new Intl.DateTimeFormat(i18n.global.locale.value, { timeZone: "UTC", year: "numeric", month: "long" });
  return shown.format(new Date(Date.UTC(Number(year), month - 1, 1)));
}

/** The words of a period that the server wrote; one that is not understood is shown as written. */
export function nameOfPeriod(written: string): string {
  const period = parsePeriod(written);
  return period ? periodName(period) : written;
}

/** The same in little room, below an axis. */
export function shortName(written: string): string {
  const period = parsePeriod(written);
  if (!period) return written;
  return period.kind === "free" ? period.first.slice(5) : written.slice(2);
}
