/** What tiles are called beyond their titles, and days in little room. */
import type { Tile } from "@/api/dashboards";
import { i18n } from "@/i18n";

/** A day without its year, which stands above the chart; anything else as it is. */
export function shortDay(written: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(written) ? written.slice(5) : written;
}

/** One day is not said as from and to. */
export function periodOf(tile: Tile): string {
  return tile.period.starts_on === tile.period.ends_on ? tile.period.starts_on : tile.period.title;
}

/** By what a tile parts its number, so that tiles over one indicator differ. */
export function partedBy(tile: Tile): string {
  const { t } = i18n.global;
  if (tile.kind === "heat") return t("dashboard.heat");
  if (tile.kind !== "ranking") return "";
  const words: Partial<Record<string, string>> = {
    grid: t("dashboard.byGrid"),
    department: t("dashboard.byDepartment"),
    person: t("dashboard.byPerson"),
    class: t("dashboard.byClass"),
    source: t("dashboard.bySource"),
    state: t("dashboard.byState"),
  };
  return words[tile.by ?? ""] ?? "";
}
