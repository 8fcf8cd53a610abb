/** Small pure functions: times, sizes, safe addresses. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { RouteLocationNormalized } from "vue-router";
import { text, useLanguage } from "./i18n";
import { fitted, jpegName } from "./report/photo";
import { rounded } from "./report/position";
import { nextOf } from "./router";
import { span, untilDue } from "./time";

vi.mock("@/views/SignIn.vue", () => ({ default: {} }));

beforeEach(() => {
  useLanguage("en", { keep: false });
});

describe("spans", () => {
  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3600, "1 h"],
    [5400, "1 h 30 min"],
    [90_000, "1 d 1 h"],
    [86_400, "1 d"],
  ])("%i seconds are %s", (seconds, words) => {
    expect(span(seconds)).toBe(words);
  });

  it("say before and after the limit", () => {
    const now = new Date("2026-01-01T10:00:00Z");
    expect(untilDue("2026-01-01T10:30:00Z", now)).toEqual({ over: false, words: "30 min left" });
    expect(untilDue("2026-01-01T09:00:00Z", now)).toEqual({ over: true, words: "1 h late" });
  });
});

describe("photos", () => {
  it("fit the longest side and never grow", () => {
    expect(fitted(4000, 3000)).toEqual({ width: 1920, height: 1440 });
    expect(fitted(3000, 4000)).toEqual({ width: 1440, height: 1920 });
    expect(fitted(800, 600)).toEqual({ width: 800, height: 600 });
  });

  it("are named as what they are", () => {
    expect(jpegName("IMG_1.HEIC")).toBe("IMG_1.jpg");
    expect(jpegName(".png")).toBe("photo.jpg");
  });
});

describe("the address after signing in", () => {
  it.each([
    ["/cases/1?x=2", "/cases/1?x=2"],
    ["//evil.example", "/tasks"],
    ["/\\evil.example", "/tasks"],
    ["https://evil.example", "/tasks"],
    ["/sign-in?next=/x", "/tasks"],
    [undefined, "/tasks"],
  ])("of %s is %s", (next, where) => {
    expect(nextOf({ query: { next } } as unknown as RouteLocationNormalized)).toBe(where);
  });
});

describe("values", () => {
  it("keep a position to the centimetre", () => {
    expect(rounded(116.41770000049)).toBe(116.4177);
  });

  it("speak the reader's language, or the one there is", () => {
    expect(text({ zh_CN: "井盖", en: "Cover" })).toBe("Cover");
    expect(text({ zh_CN: "井盖" })).toBe("井盖");
    useLanguage("zh-CN", { keep: false });
    expect(text({ zh_CN: "井盖", en: "Cover" })).toBe("井盖");
    expect(text("plain")).toBe("plain");
  });
});
