import { mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import { i18n, useLanguage } from "@/i18n";
import { useZone } from "@/zone";
import DueTag from "./DueTag.vue";

function shown(left: { amount: number; unit: "work_hour" | "work_day" } | null): { words: string; more: string | undefined } {
  const stopped = left && { since: "2026-11-23T23:30:00Z", left };
  const tag = mount(DueTag, { props: { light: "none", dueAt: null, stopped }, global: { plugins: [i18n] } });
  return { words: tag.text(), more: tag.attributes("title") };
}

beforeEach(() => {
  useZone("Asia/Shanghai");
});

describe("a limit whose clock stands", () => {
  it("is not said to be none", () => {
    useLanguage("en", { keep: false });
    expect(shown({ amount: 3.46, unit: "work_day" }).words).toBe("Clock stopped");
    expect(shown({ amount: 3.46, unit: "work_day" }).more).toMatch(/^Stopped since Nov 24(, 2026)?, 07:30 · 3.5 work days left when it goes on$/);
    expect(shown({ amount: -1, unit: "work_hour" }).more).toMatch(/the limit was used up before$/);
    expect(shown(null)).toEqual({ words: "No limit", more: undefined });
  });

  it("is said in Chinese", () => {
    useLanguage("zh-CN", { keep: false });
    expect(shown({ amount: 4, unit: "work_hour" }).words).toBe("计时已停");
    expect(shown({ amount: 4, unit: "work_hour" }).more).toMatch(/恢复后还剩 4 个工作时$/);
  });
});
