import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { address, context, NetworkFailure, Problem, send } from "./http";

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

describe("requests", () => {
  const fetched = vi.fn<typeof fetch>();
  const sentHeaders = (): Headers => fetched.mock.calls[0]?.[1]?.headers as Headers;

  beforeEach(() => {
    fetched.mockReset();
    vi.stubGlobal("fetch", fetched);
    Object.assign(context, { csrf: "token", agency: "dongcheng", locale: "en", signedOut: vi.fn() });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("carry the CSRF token on writes only", async () => {
    fetched.mockImplementation(() => Promise.resolve(answer(200, {})));
    await send("GET", "/me");
    expect(sentHeaders().get("X-CSRF-Token")).toBeNull();
    fetched.mockClear();
    await send("POST", "/cases", { body: {}, idempotencyKey: "k", ifMatch: 3 });
    expect(sentHeaders().get("X-CSRF-Token")).toBe("token");
    expect(sentHeaders().get("Idempotency-Key")).toBe("k");
    expect(sentHeaders().get("If-Match")).toBe('"3"');
    expect(sentHeaders().get("X-Wangge-Agency")).toBe("dongcheng");
    expect(sentHeaders().get("Accept-Language")).toBe("en");
  });

  it("give body and version", async () => {
    fetched.mockResolvedValue(answer(200, { number: "1" }, { ETag: '"7"' }));
    expect(await send("GET", "/cases/1")).toEqual({ body: { number: "1" }, version: "7" });
  });

  it("raise the server's problem with its field errors", async () => {
    fetched.mockResolvedValue(answer(422, { type: "t", title: "Invalid", detail: "d", errors: [{ path: "a", detail: "b" }] }));
    const error = await send("POST", "/x", { body: {} }).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(Problem);
    expect([(error as Problem).status, (error as Problem).errors]).toEqual([422, [{ path: "a", detail: "b" }]]);
  });

  it("say how long to wait", async () => {
    fetched.mockResolvedValue(answer(429, {}, { "Retry-After": "90" }));
    await expect(send("POST", "/session", { body: {} })).rejects.toMatchObject({ status: 429, retryAfter: 90 });
  });

  it("end the session on 401, unless the caller deals with it", async () => {
    fetched.mockImplementation(() => Promise.resolve(answer(401, {})));
    await expect(send("GET", "/me", { quiet401: true })).rejects.toThrow();
    expect(context.signedOut).not.toHaveBeenCalled();
    await expect(send("GET", "/cases")).rejects.toThrow();
    expect(context.signedOut).toHaveBeenCalledOnce();
  });

  it("tell a missing network from a refusal, a silent gateway too", async () => {
    fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    await expect(send("GET", "/me")).rejects.toThrow(NetworkFailure);
    fetched.mockResolvedValueOnce(new Response("<html>", { status: 504 }));
    await expect(send("GET", "/me")).rejects.toThrow(NetworkFailure);
  });
});

describe("addresses", () => {
  it("leave out what is not set", () => {
    expect(address("/cases", { q: "", state: undefined, after: null, open: true, limit: 25 })).toBe("/api/v1/cases?open=true&limit=25");
  });
});
