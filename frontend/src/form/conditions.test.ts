import { describe, expect, it } from "vitest";
import { judge } from "./conditions";
import type { Field, FormPlan } from "./plan";

const is = (name: string, value: unknown): unknown => ({ "==": [{ var: name }, value] });

function plan(fields: Partial<Field>[], checks: FormPlan["checks"] = []): FormPlan {
  return { key: "t", version: 1, title: "t", checks, fields: fields.map((one) => ({ label: "l", type: "text", ...one }) as Field) };
}

describe("visibility", () => {
  it("follows the values", () => {
    const form = plan([{ id: "kind", type: "choice" }, { id: "rent", type: "money", visible: is("kind", "rent"), required: true }]);
    expect(judge(form, { kind: "own" }).isVisible("rent")).toBe(false);
    expect(judge(form, { kind: "rent" }).isVisible("rent")).toBe(true);
  });

  it("treats a hidden field as null, however long the chain and whatever the order", () => {
    const form = plan([
      { id: "c", visible: is("b", "yes") },
      { id: "b", visible: is("a", "yes") },
      { id: "a", visible: is("start", true) },
      { id: "start", type: "boolean" },
    ]);
    const all = { a: "yes", b: "yes", c: "x" };
    expect(judge(form, { ...all, start: true }).isVisible("c")).toBe(true);
    expect(judge(form, { ...all, start: false }).isVisible("c")).toBe(false);
  });

  it("hides what lies in a hidden group", () => {
    const form = plan([{ id: "on", type: "boolean" }, { id: "g", type: "group", visible: is("on", true), fields: [{ id: "x", type: "text", label: "x" }] }]);
    expect(judge(form, { on: false, g: { x: "1" } }).isVisible("g.x")).toBe(false);
    expect(judge(form, { on: true, g: { x: "1" } }).isVisible("g.x")).toBe(true);
  });

  it("is judged for each item of a repeat group, which sees the form around it", () => {
    const form = plan([
      { id: "city", type: "text" },
      {
        id: "people", type: "repeat", fields: [
          { id: "local", type: "boolean", label: "l" },
          { id: "permit", type: "text", label: "p", required: true, visible: { and: [is("local", false), is("city", "北京")] } },
        ],
      },
    ]);
    const found = judge(form, { city: "北京", people: [{ local: true }, { local: false }] });
    expect([found.isVisible("people[0].permit"), found.isVisible("people[1].permit")]).toEqual([false, true]);
    expect(judge(form, { city: "上海", people: [{ local: false }] }).isVisible("people[0].permit")).toBe(false);
  });
});

describe("required", () => {
  it("may be a rule", () => {
    const form = plan([{ id: "rooms", type: "integer" }, { id: "area", type: "decimal", required: { ">": [{ var: "rooms" }, 3] } }]);
    expect(judge(form, { rooms: 4 }).isRequired("area")).toBe(true);
    expect(judge(form, { rooms: 3 }).isRequired("area")).toBe(false);
    expect(judge(form, {}).isRequired("area")).toBe(false);
  });

  it("holds for a repeat group with a least number of items", () => {
    expect(judge(plan([{ id: "r", type: "repeat", min_items: 1, fields: [] }]), {}).isRequired("r")).toBe(true);
  });
});

describe("computed fields", () => {
  it("are worked out of visible values and of each other", () => {
    const form = plan([
      { id: "year", type: "computed", value: { "*": [{ var: "month" }, 12] }, result: "money" },
      { id: "month", type: "computed", value: { "+": [{ var: "rent" }, { var: "fee" }] }, result: "money" },
      { id: "rent", type: "money" },
      { id: "fee", type: "money" },
    ]);
    expect(judge(form, { rent: 100, fee: 5 }).computed.get("year")).toBe(1260);
  });
});

describe("checks", () => {
  const form = plan(
    [{ id: "from", type: "date" }, { id: "to", type: "date" }],
    [{ rule: { ">=": [{ var: "to" }, { var: "from" }] }, message: { zh_CN: "止早于起" }, at: "to" }],
  );

  it("fail at their field", () => {
    expect(judge(form, { from: "2026-02-01", to: "2026-01-01" }).failures).toEqual([{ path: "to", message: { zh_CN: "止早于起" } }]);
    expect(judge(form, { from: "2026-01-01", to: "2026-02-01" }).failures).toEqual([]);
  });

  it("name the item they fail in", () => {
    const rows = plan([{ id: "r", type: "repeat", fields: [{ id: "n", type: "integer", label: "n" }], checks: [{ rule: { ">": [{ var: "n" }, 0] }, message: "m", at: "n" }] }]);
    expect(judge(rows, { r: [{ n: 1 }, { n: 0 }] }).failures.map((one) => one.path)).toEqual(["r[1].n"]);
  });
});
