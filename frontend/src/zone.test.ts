import { beforeEach, describe, expect, it } from "vitest";
import { useLanguage } from "./i18n";
import { moment } from "./time";
import { instantOf, nameOfZone, useZone, wallClock, zone } from "./zone";

beforeEach(() => {
  useLanguage("en", { keep: false });
});

describe("times", () => {
  it.each([
    ["Asia/Shanghai", "Nov 24, 07:30", "2026-11-24T07:30"],
    ["Asia/Urumqi", "Nov 24, 05:30", "2026-11-24T05:30"],
    ["Europe/Lisbon", "Nov 23, 23:30", "2026-11-23T23:30"],
  ])("are shown by the clocks of %s, whatever the device's own zone is", (name, shown, written) => {
    useZone(name);
    expect(moment("2026-11-23T23:30:00Z", new Date("2026-11-24T00:00:00Z"))).toBe(shown);
    expect(wallClock(new Date("2026-11-23T23:30:00Z"))).toBe(written);
    expect(instantOf(written).toISOString()).toBe("2026-11-23T23:30:00.000Z");
  });

  it("name the year where it is another one there", () => {
    useZone("Asia/Shanghai");
    const newYear = "2026-12-31T16:00:00Z";
    expect(moment(newYear, new Date("2026-12-31T15:59:00Z"))).toBe("Jan 1, 2027, 00:00");
    expect(moment(newYear, new Date("2026-12-31T16:01:00Z"))).toBe("Jan 1, 00:00");
  });

  it("are read on both sides of a change of the clocks", () => {
    useZone("Europe/Berlin");
    for (const instant of ["2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-10-25T02:30:00.000Z"]) {
      expect(instantOf(wallClock(new Date(instant))).toISOString()).toBe(instant);
    }
    expect(wallClock(instantOf("2026-03-29T02:30"))).toBe("2026-03-29T03:30");
  });

  it("fall back to the device where nobody says a zone", () => {
    useZone("Asia/Urumqi");
    useZone(null);
    expect(zone.value).toBeUndefined();
  });

  it("tell the reader whose they are", () => {
    useZone("Asia/Shanghai");
    expect(nameOfZone()).toBe("China Standard Time (Asia/Shanghai)");
  });
});
