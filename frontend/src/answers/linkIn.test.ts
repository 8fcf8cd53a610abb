import { describe, expect, it } from "vitest";
import { linkIn, withoutLink } from "./linkIn";

const ASKED = "您反映的问题（20261124-000001）已办结，请评价：https://wangge.example/a#town/9ZK3M0QX7TB2V4W6Y8A1C3D5EF";

describe("a notice that asks", () => {
  it("leads to its form, whatever the installation is called", () => {
    expect(linkIn(ASKED)).toBe("#town/9ZK3M0QX7TB2V4W6Y8A1C3D5EF");
    expect(linkIn("What you reported is closed. Please rate it: /a#town_2/ABC123")).toBe("#town_2/ABC123");
    expect(withoutLink(ASKED)).toBe("您反映的问题（20261124-000001）已办结，请评价");
  });

  it("is told from every other", () => {
    for (const words of ["案件 20261124-000001 已派遣", "/a", "https://wangge.example/cases/1#a", ""]) {
      expect(linkIn(words)).toBeNull();
      expect(withoutLink(words)).toBe(words);
    }
  });
});
