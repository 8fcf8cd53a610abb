import { beforeEach, describe, expect, it, vi } from "vitest";
import { attachments, cases, NetworkFailure, Problem, type Me } from "@/api";
import { me } from "@/session";
import type { Draft } from "./store";
import { drafts, sendWaiting } from "./sending";

const disk = new Map<string, Draft>();
vi.mock("./store", () => ({
  keep: (draft: Draft) => {
    disk.set(draft.id, structuredClone(draft));
    return Promise.resolve();
  },
  drop: (id: string) => {
    disk.delete(id);
    return Promise.resolve();
  },
  draftsOf: () => Promise.resolve([...disk.values()].map((one) => structuredClone(one))),
}));

function draft(key: string): Draft {
  return {
    id: key, key, username: "u", agency: "a", title: "t", savedAt: "2026-01-01T00:00:00Z", step: null, status: "waiting", reason: "",
    data: { description: "d", photos: ["local-1"] },
    files: [{ localId: "local-1", name: "p.jpg", blob: new Blob(["x"]), facts: {}, uuid: null }],
  };
}

const stored = { uuid: "uuid-1", name: "p.jpg", content_type: "image/jpeg", size: 1, url: "", thumbnail_url: null };

beforeEach(() => {
  vi.restoreAllMocks();
  disk.clear();
  me.value = { user: { id: 1, username: "u", name: "U" }, agency: { key: "a" } } as Me;
});

describe("kept reports", () => {
  it("send files first, then the report under its key, and are dropped", async () => {
    vi.spyOn(attachments, "add").mockResolvedValue(stored);
    const report = vi.spyOn(cases, "report").mockResolvedValue({ number: "1", state: "reported", version: 1 });
    disk.set("k1", draft("k1"));
    await sendWaiting();
    expect(report).toHaveBeenCalledWith({ description: "d", photos: ["uuid-1"] }, "k1");
    expect(disk.size).toBe(0);
    expect(drafts.value).toEqual([]);
  });

  it("never send a file twice, and repeat the same body under the same key", async () => {
    const add = vi.spyOn(attachments, "add").mockResolvedValue(stored);
    const report = vi.spyOn(cases, "report").mockRejectedValueOnce(new NetworkFailure("lost")).mockResolvedValueOnce({ number: "1", state: "reported", version: 1 });
    disk.set("k1", draft("k1"));
    await sendWaiting();
    expect(disk.size).toBe(1);
    await sendWaiting();
    expect(add).toHaveBeenCalledTimes(1);
    expect(report.mock.calls[0]).toEqual(report.mock.calls[1]);
    expect(disk.size).toBe(0);
  });

  it("stop at the first sign that the network is away", async () => {
    const add = vi.spyOn(attachments, "add").mockRejectedValue(new NetworkFailure("off"));
    disk.set("k1", draft("k1"));
    disk.set("k2", draft("k2"));
    await sendWaiting();
    expect(add).toHaveBeenCalledTimes(1);
    expect(disk.size).toBe(2);
  });

  it("keep why they were refused and do not come again by themselves", async () => {
    vi.spyOn(attachments, "add").mockResolvedValue(stored);
    const report = vi.spyOn(cases, "report").mockRejectedValue(new Problem({ type: "t", title: "x", status: 422, detail: "不对" }));
    disk.set("k1", draft("k1"));
    await sendWaiting();
    await sendWaiting();
    expect(drafts.value[0]).toMatchObject({ status: "refused", reason: "不对" });
    expect(report).toHaveBeenCalledTimes(1);
  });

  it("are not blamed for a server in trouble or an ended session", async () => {
    vi.spyOn(attachments, "add").mockResolvedValue(stored);
    vi.spyOn(cases, "report").mockRejectedValueOnce(new Problem({ type: "t", title: "x", status: 500, detail: "" })).mockRejectedValueOnce(new Problem({ type: "t", title: "x", status: 401, detail: "" }));
    disk.set("k1", draft("k1"));
    await sendWaiting();
    await sendWaiting();
    expect(drafts.value[0]?.status).toBe("waiting");
  });

  it("take a step of a case with the version that its writer saw", async () => {
    vi.spyOn(attachments, "add").mockResolvedValue(stored);
    const move = vi.spyOn(cases, "move").mockResolvedValue();
    disk.set("k1", { ...draft("k1"), step: { number: "20260101-000001", verb: "verify", version: 3 } });
    expect(await sendWaiting()).toEqual(["t"]);
    expect(move).toHaveBeenCalledWith("20260101-000001", "verify", { description: "d", photos: ["uuid-1"] }, 3, "k1");
    expect(disk.size).toBe(0);
  });

  it("leave alone what is still being written", async () => {
    const report = vi.spyOn(cases, "report");
    disk.set("k1", { ...draft("k1"), status: "begun" });
    expect(await sendWaiting()).toEqual([]);
    expect(report).not.toHaveBeenCalled();
    expect(disk.size).toBe(1);
  });
});
