/** Dashboards: tiles as their viewer may see them, and the list behind a tile's number. */
import { get } from "./http";
import type { FactPage, FactsAsked, PeriodInfo, Titled } from "./scores";

export interface TileValue {
  /** What it belongs to: a code, a day, a subject of a card; all for the whole. */
  key: string;
  title: string;
  counted: number | null;
  base: number | null;
  value: number | null;
  text: string;
  /** Colour of a score's grade. */
  grade: string | null;
  /** False for a score made of too little to be ranked; null when it is no score. */
  is_ranked: boolean | null;
}

export interface TileSeries {
  indicator: string | null;
  title: string;
  unit: string | null;
  values: TileValue[];
}

export interface Tile {
  key: string;
  title: string;
  kind: "count" | "rate" | "ranking" | "trend" | "heat";
  width: number;
  period: PeriodInfo;
  by: string | null;
  level: string | null;
  scorecard: string | null;
  series: TileSeries[];
  /** The same of an earlier period. */
  compared: TileValue | null;
  is_alarm: boolean;
  /** How many values there are, when only the first are shown. */
  total: number;
  /** Why the tile is empty. */
  reason: string | null;
}

export interface Dashboard extends Titled {
  as_of: string;
  lag_seconds: number;
  tiles: Tile[];
}

export const dashboards = {
  async list(): Promise<Titled[]> {
    return (await get<{ items: Titled[] }>("/dashboards")).items;
  },

  show: (key: string, period: string | undefined, signal?: AbortSignal): Promise<Dashboard> => get(`/dashboards/${encodeURIComponent(key)}`, { period }, signal),

  facts: (indicator: string, asked: FactsAsked & { period: string; by?: string | undefined; value?: string | undefined; level?: string | undefined }, signal?: AbortSignal): Promise<FactPage> =>
    get(`/indicators/${encodeURIComponent(indicator)}/facts`, { limit: 50, ...asked }, signal),
};
