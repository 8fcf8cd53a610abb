import { flushPromises, mount } from "@vue/test-utils";
import { describe, expect, it, vi } from "vitest";
import { choices, definitions, grids } from "@/api";
import { i18n } from "@/i18n";
import { type FormState, makeForm } from "./form";
import FormRenderer from "./FormRenderer.vue";
import type { Field, FieldKind, FormPlan } from "./plan";

// The map needs WebGL, which no test has; its field is seen in the browser tests.
vi.mock("@/map/MapView.vue", () => ({ default: { template: "<div />" } }));
vi.spyOn(definitions, "catalogue").mockResolvedValue([{ code: "c1", title: "井盖" }]);
vi.spyOn(choices, "departments").mockResolvedValue([{ id: 1, code: "d1", name: "水务", path: "d1" }]);
vi.spyOn(choices, "people").mockResolvedValue([]);
vi.spyOn(choices, "records").mockResolvedValue([]);
vi.spyOn(grids, "search").mockResolvedValue([{ code: "110101", name: "东城区" }]);

function show(fields: Partial<Field>[]): { form: FormState; wrapper: ReturnType<typeof mount> } {
  const plan: FormPlan = { key: "t", version: 1, title: "t", checks: [], fields: fields.map((one) => ({ label: { zh_CN: "标签", en: "Label" }, type: "text", ...one }) as Field) };
  const form = makeForm(plan);
  return { form, wrapper: mount(FormRenderer, { props: { form }, global: { plugins: [i18n] } }) };
}

const KINDS: FieldKind[] = [
  "text", "long_text", "integer", "decimal", "money", "boolean", "date", "time", "datetime", "choice", "multi_choice", "catalogue", "grid",
  "point", "photo", "audio", "file", "signature", "person", "department", "record", "computed", "group", "repeat",
];

describe("every field type", () => {
  it.each(KINDS)("draws %s with something to act on", async (type) => {
    const inner: Field[] = [{ id: "inner", type: "text", label: "i" }];
    const { wrapper } = show([{ id: "x", type, options: [{ value: "a", label: "A" }], fields: inner, catalogue: "k", ledger: "l", min_items: 1, value: { "+": [1, 2] }, result: "integer" }]);
    await vi.dynamicImportSettled();
    await flushPromises();
    expect(wrapper.find('[data-field="x"]').find("input, textarea, button, canvas, output, select").exists()).toBe(true);
  });
});

describe("the form", () => {
  it("shows a field when its condition comes true, and takes what is typed", async () => {
    const { form, wrapper } = show([
      { id: "kind", type: "choice", options: [{ value: "own", label: "自有" }, { value: "rent", label: "出租" }] },
      { id: "rent", type: "money", visible: { "==": [{ var: "kind" }, "rent"] } },
    ]);
    expect(wrapper.find('[data-field="rent"]').exists()).toBe(false);
    await wrapper.find('[data-value="rent"]').trigger("click");
    await wrapper.find('[data-field="rent"] input').setValue("1,200.50");
    expect(form.values).toEqual({ kind: "rent", rent: 1200.5 });
  });

  it("marks what is wrong until it is changed", async () => {
    const { form, wrapper } = show([{ id: "name", required: true }]);
    form.validate();
    await flushPromises();
    expect(wrapper.find("[role=alert]").text()).toContain("标签");
    await wrapper.find("input").setValue("x");
    expect(wrapper.find("[role=alert]").exists()).toBe(false);
  });

  it("adds and removes items, each with its own values", async () => {
    const { form, wrapper } = show([{ id: "r", type: "repeat", fields: [{ id: "x", type: "text", label: "x" }] }]);
    await vi.dynamicImportSettled();
    await flushPromises();
    const add = (): Promise<void> => wrapper.findAll("button").at(-1)!.trigger("click");
    await add();
    await add();
    const boxes = wrapper.findAll("input");
    await boxes[0]!.setValue("one");
    await boxes[1]!.setValue("two");
    await wrapper.findAll("button.remove")[0]!.trigger("click");
    expect(form.values["r"]).toEqual([{ x: "two" }]);
    expect(wrapper.find("input").element.value).toBe("two");
  });
});
