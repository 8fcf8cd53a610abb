import { describe, expect, it } from "vitest";
import { difference, parted, plain, points } from "./numbers";

describe("numbers of scores", () => {
  it("are parted into value and counts, whichever brackets are used", () => {
    expect(parted("96.00 %（48/50）")).toEqual({ value: "96.00 %", counts: "48/50" });
    expect(parted("2.5（10 ÷ 4）")).toEqual({ value: "2.5", counts: "10 ÷ 4" });
    expect(parted("96.00 % (48/50)")).toEqual({ value: "96.00 %", counts: "48/50" });
    expect(parted("无数据")).toEqual({ value: "无数据", counts: "" });
  });

  it("show two digits where they are ranked, and no number where there is none", () => {
    expect([points(93.6), points(null), plain(33.333), plain(10)]).toEqual(["93.60", "无数据", "33.33", "10"]);
  });

  it("say by how much they differ", () => {
    expect([difference(73, 93), difference(93, 88.5), difference(1, 1), difference(null, 3)]).toEqual(["+20", "−4.5", "", ""]);
  });
});
