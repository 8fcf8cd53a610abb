import { describe, expect, it } from "vitest";
import { nameOfPeriod, parsePeriod, type PeriodKind, periodAt, shifted } from "./period";

const KINDS: Exclude<PeriodKind, "free">[] = ["half_month", "week", "month", "quarter", "half_year", "year"];

describe("a period", () => {
  it("is the one that a day lies in", () => {
    const written = KINDS.map((kind) => periodAt(kind, "2026-08-16")).map(({ key, first, last }) => [key, first, last]);
    expect(written).toEqual([
      ["2026-08-b", "2026-08-16", "2026-08-31"],
      ["2026-W33", "2026-08-10", "2026-08-16"],
      ["2026-08", "2026-08-01", "2026-08-31"],
      ["2026-Q3", "2026-07-01", "2026-09-30"],
      ["2026-H2", "2026-07-01", "2026-12-31"],
      ["2026", "2026-01-01", "2026-12-31"],
    ]);
  });

  it("holds every day of four years once, in an unbroken row", () => {
    for (const kind of KINDS) {
      let period = periodAt(kind, "2023-12-28");
      for (let n = 0; n < 110; n += 1) {
        const next = shifted(period, 1);
        expect(Date.parse(next.first) - Date.parse(period.last), `${period.key} ${next.key}`).toBe(86_400_000);
        expect(shifted(next, -1)).toEqual(period);
        expect(parsePeriod(period.key)).toEqual(period);
        period = next;
      }
    }
  });

  it("of a week belongs to the year of its Thursday", () => {
    expect(periodAt("week", "2027-01-03").key).toBe("2026-W53");
    expect(periodAt("week", "2024-12-30").key).toBe("2025-W01");
    expect(parsePeriod("2025-W53")).toBeNull();
  });

  it("of free days moves by its own length", () => {
    const days = parsePeriod("2026-03-05..2026-03-20");
    expect(days && shifted(days, -1).key).toBe("2026-02-17..2026-03-04");
    expect(parsePeriod("2026-03-20..2026-03-05")).toBeNull();
  });

  it("that is none is none", () => {
    for (const written of ["2026-13", "2026-00", "2026-W00", "2026-Q5", "2026-03-c", "26", "", "heute"]) expect(parsePeriod(written), written).toBeNull();
  });

  it("is named in words", () => {
    expect(["2026-03", "2026-03-a", "2026-W12", "2026-Q1", "2026-H2", "2026", "x"].map(nameOfPeriod)).toEqual([
      "2026年3月", "2026年3月上半月", "2026年第12周", "2026年第1季度", "2026年下半年", "2026年", "x",
    ]);
  });
});
