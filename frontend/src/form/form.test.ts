import { beforeEach, describe, expect, it, vi } from "vitest";
import { attachments, NetworkFailure, Problem } from "@/api";
import { makeForm } from "./form";
import { type Field, type FormPlan, isWide } from "./plan";
import { newUpload, sendAll, type Upload } from "./uploads";

function plan(fields: Partial<Field>[]): FormPlan {
  return { key: "t", version: 1, title: "t", checks: [], fields: fields.map((one) => ({ label: "标签", type: "text", ...one }) as Field) };
}

const stored = { uuid: "0000", name: "a.jpg", content_type: "image/jpeg", size: 1, url: "/x", thumbnail_url: null };

describe("submission", () => {
  it("leaves out what is hidden, empty or computed", () => {
    const form = makeForm(
      plan([
        { id: "kind", type: "choice" },
        { id: "rent", type: "money", visible: { "==": [{ var: "kind" }, "rent"] } },
        { id: "note" },
        { id: "twice", type: "computed", value: { "*": [{ var: "rent" }, 2] } },
        { id: "no", type: "boolean" },
      ]),
      { kind: "own", rent: 5, no: false },
    );
    expect(form.submission()).toEqual({ kind: "own", no: false });
    form.values["kind"] = "rent";
    expect(form.submission()).toEqual({ kind: "rent", rent: 5, no: false });
  });

  it("sends files by the names the server gave them", async () => {
    vi.spyOn(attachments, "add").mockResolvedValue(stored);
    const form = makeForm(plan([{ id: "photos", type: "photo" }]));
    form.values["photos"] = [newUpload(new Blob(["x"], { type: "text/plain" }), "a.jpg", {})];
    await sendAll(form.values);
    expect(form.submission()).toEqual({ photos: ["0000"] });
  });

  it("takes defaults and the least number of items", () => {
    const form = makeForm(plan([{ id: "kind", type: "choice", default: "event" }, { id: "rows", type: "repeat", min_items: 2, fields: [{ id: "x", type: "text", label: "x" }] }]));
    expect(form.submission()).toEqual({ kind: "event", rows: [{}, {}] });
  });
});

describe("validation", () => {
  it("asks for what is required and visible only", () => {
    const form = makeForm(plan([{ id: "a", required: true }, { id: "b", required: true, visible: { "==": [{ var: "a" }, "x"] } }]));
    expect(form.validate()).toBe(false);
    expect([...form.errors.keys()]).toEqual(["a"]);
    form.values["a"] = "x";
    form.validate();
    expect([...form.errors.keys()]).toEqual(["b"]);
  });

  it.each<[Partial<Field>, unknown, boolean]>([
    [{ type: "integer", min: 1 }, 0, false],
    [{ type: "integer" }, 1.5, false],
    [{ type: "integer" }, "abc", false],
    [{ type: "integer" }, 7, true],
    [{ type: "money" }, 1.234, false],
    [{ type: "money" }, 19.99, true],
    [{ type: "text", max_length: 2 }, "三个字", false],
    [{ type: "text", max_length: 1 }, "𠮷", true],
    [{ type: "text", pattern: "[0-9]{3}" }, "12", false],
    [{ type: "text", pattern: "[0-9]{3}" }, "123", true],
    [{ type: "text", pattern: "(?P<a>python)" }, "anything", true],
    [{ type: "multi_choice", max_count: 1 }, ["a", "b"], false],
  ])("judges %o with %o", (field, value, fine) => {
    const form = makeForm(plan([{ id: "x", ...field }]));
    form.values["x"] = value;
    expect(form.validate()).toBe(fine);
  });

  it("looks into groups and items", () => {
    const inner: Field[] = [{ id: "x", type: "text", label: "x", required: true }];
    const form = makeForm(plan([{ id: "g", type: "group", fields: inner }, { id: "r", type: "repeat", min_items: 1, fields: inner }]));
    form.validate();
    expect([...form.errors.keys()]).toEqual(["g.x", "r[0].x"]);
  });
});

describe("the server's refusal", () => {
  it("lands at its fields, and what has no field is given back", () => {
    const form = makeForm(plan([{ id: "a" }, { id: "r", type: "repeat", min_items: 1, fields: [{ id: "x", type: "text", label: "x" }] }]));
    const elsewhere = form.refuse([
      { path: "data.a", detail: "one" },
      { path: "data.r[0].x", detail: "two" },
      { path: "workflow", detail: "three" },
    ]);
    expect(Object.fromEntries(form.errors)).toEqual({ a: "one", "r[0].x": "two" });
    expect(elsewhere).toEqual(["three"]);
  });
});

describe("uploads", () => {
  let upload: Upload;
  beforeEach(() => {
    vi.restoreAllMocks();
    upload = newUpload(new Blob(["x"]), "a.jpg", { stage: "report", lon: 1, lat: 2 });
  });

  it("are sent once, even when asked twice at the same time", async () => {
    const add = vi.spyOn(attachments, "add").mockResolvedValue(stored);
    await Promise.all([sendAll([upload]), sendAll([upload])]);
    await sendAll([upload]);
    expect(add).toHaveBeenCalledTimes(1);
    expect(upload.state).toBe("sent");
  });

  it("are tried again after the network was away, and say so when refused", async () => {
    const add = vi.spyOn(attachments, "add").mockRejectedValueOnce(new NetworkFailure("off"));
    await expect(sendAll([upload])).rejects.toThrow(NetworkFailure);
    expect(upload.state).toBe("failed");
    add.mockRejectedValueOnce(new Problem({ type: "t", title: "x", status: 413, detail: "太大" }));
    await expect(sendAll([upload])).rejects.toThrow(Problem);
    expect([upload.state, upload.reason]).toEqual(["refused", "太大"]);
  });
});

describe("width", () => {
  const wide = (field: Partial<Field>): boolean => isWide({ id: "x", label: "x", type: "text", ...field });

  it("is whole for sentences and for what is explained, half for names and numbers", () => {
    expect([wide({}), wide({ max_length: 200 }), wide({ type: "date", help: "最长一年" }), wide({ type: "long_text" })]).toEqual([true, true, true, true]);
    expect([wide({ max_length: 60 }), wide({ type: "date" }), wide({ type: "integer" }), wide({ type: "department" })]).toEqual([false, false, false, false]);
  });
});
