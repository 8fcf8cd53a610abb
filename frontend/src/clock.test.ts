import { afterEach, describe, expect, it, vi } from "vitest";
import { hear, now } from "./clock";

afterEach(() => {
  vi.useRealTimers();
});

describe("the clock", () => {
  it("goes by the server where the device is wrong by hours, and by the device where it is right", () => {
    vi.useFakeTimers({ now: new Date("2026-11-23T10:00:00Z") });
    hear("Mon, 23 Nov 2026 18:00:00 GMT");
    expect(now.value.toISOString()).toBe("2026-11-23T18:00:00.000Z");
    vi.setSystemTime(new Date("2026-11-23T18:00:30Z"));
    hear("Mon, 23 Nov 2026 18:00:31 GMT");
    expect(now.value.toISOString()).toBe("2026-11-23T18:00:30.000Z");
  });

  it("does not jump with the seconds that an answer takes", () => {
    vi.useFakeTimers({ now: new Date("2026-11-23T10:00:00Z") });
    hear("Mon, 23 Nov 2026 10:00:00 GMT");
    const before = now.value;
    hear("Mon, 23 Nov 2026 09:59:20 GMT");
    hear(null);
    expect(now.value).toBe(before);
  });
});
