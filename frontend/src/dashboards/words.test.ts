import { describe, expect, it } from "vitest";
import type { Tile } from "@/api/dashboards";
import { partedBy, periodOf, shortDay } from "./words";

const tile = (more: Partial<Tile>): Tile => ({
  key: "x", title: "立案数", kind: "count", width: 1, by: null, level: null, scorecard: null, series: [], compared: null, is_alarm: false, total: 0, reason: null,
  period: { key: "2026-11", kind: "month", title: "2026年11月", starts_on: "2026-11-01", ends_on: "2026-11-30", is_over: false },
  ...more,
});

describe("the words of a tile", () => {
  it("tell tiles over one indicator apart", () => {
    expect(partedBy(tile({ kind: "ranking", by: "class" }))).toBe("按类别");
    expect(partedBy(tile({ kind: "heat", by: "grid" }))).toBe("热力图");
    expect(partedBy(tile({ kind: "count" }))).toBe("");
    expect(partedBy(tile({ kind: "trend", by: "day" }))).toBe("");
  });

  it("say one day once", () => {
    const day = { key: "2026-11-24..2026-11-24", kind: "free" as const, title: "2026-11-24 至 2026-11-24", starts_on: "2026-11-24", ends_on: "2026-11-24", is_over: false };
    expect(periodOf(tile({ period: day }))).toBe("2026-11-24");
    expect(periodOf(tile({}))).toBe("2026年11月");
    expect([shortDay("2026-11-24"), shortDay("单元网格001")]).toEqual(["11-24", "单元网格001"]);
  });
});
