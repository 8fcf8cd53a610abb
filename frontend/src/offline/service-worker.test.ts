import { beforeEach, describe, expect, it, vi } from "vitest";
import source from "../../public/service-worker.js?raw";

const ORIGIN = "https://wangge.example";
const SHELL = { version: "two", page: "/sign-in", files: ["/static/assets/main-2.js"] };

interface Handled {
  request: { method: string; mode: string; url: string };
  respondWith: (answer: Promise<unknown>) => void;
  waitUntil: (done: Promise<unknown>) => void;
}

/** The browser around a service worker, as far as this one looks at it. */
function start(network: (path: string) => Promise<unknown>) {
  const stored = new Map<string, Map<string, unknown>>([["wangge-shell-one", new Map([["/sign-in", "old page"]])], ["another", new Map()]]);
  const handlers = new Map<string, (event: Handled) => void>();
  const pathOf = (what: string | { url: string }): string => (typeof what === "string" ? what : new URL(what.url, ORIGIN).pathname);
  const caches = {
    open: (name: string) => {
      const held = stored.get(name) ?? new Map<string, unknown>();
      stored.set(name, held);
      return Promise.resolve({
        match: (what: string | { url: string }) => Promise.resolve(held.get(pathOf(what))),
        addAll: async (wanted: { url: string }[]) => {
          for (const one of wanted) held.set(pathOf(one), await network(pathOf(one)));
        },
      });
    },
    keys: () => Promise.resolve([...stored.keys()]),
    delete: (name: string) => Promise.resolve(stored.delete(name)),
  };
  const self = {
    location: { origin: ORIGIN },
    skipWaiting: vi.fn(),
    clients: { claim: vi.fn() },
    addEventListener: (name: string, act: (event: Handled) => void) => handlers.set(name, act),
  };
  class Asked {
    constructor(readonly url: string, readonly options: unknown) {}
  }
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the file under test, as a browser would run it
  new Function("self", "caches", "fetch", "Request", "SHELL", source)(self, caches, (what: { url: string }) => network(pathOf(what)), Asked, SHELL);

  async function happen(name: string): Promise<void> {
    let done: Promise<unknown> = Promise.resolve();
    handlers.get(name)?.({ waitUntil: (given: Promise<unknown>) => (done = given) } as unknown as Handled);
    await done;
  }
  /** What is answered to a request; undefined when it is left to the browser. */
  function ask(path: string, mode = "navigate", method = "GET"): Promise<unknown> | undefined {
    let answer: Promise<unknown> | undefined;
    handlers.get("fetch")?.({ request: { method, mode, url: new URL(path, ORIGIN).href }, respondWith: (given: Promise<unknown>) => (answer = given) } as unknown as Handled);
    return answer;
  }
  return { self, stored, happen, ask };
}

const answer = { status: 200, of: "the network" };
const gone = (): Promise<never> => Promise.reject(new TypeError("Failed to fetch"));
let network = vi.fn<(path: string) => Promise<unknown>>();

async function installed() {
  network = vi.fn((path: string) => Promise.resolve(`kept ${path}`));
  const worker = start((path) => network(path));
  await worker.happen("install");
  await worker.happen("activate");
  return worker;
}

describe("the service worker", () => {
  beforeEach(() => {
    vi.restoreAllMocks();
  });

  it("takes over at once and drops what older versions kept, and nothing of others", async () => {
    const { self, stored } = await installed();
    expect(self.skipWaiting).toHaveBeenCalled();
    expect(self.clients.claim).toHaveBeenCalled();
    expect([...stored.keys()]).toEqual(["another", "wangge-shell-two"]);
    expect([...(stored.get("wangge-shell-two")?.keys() ?? [])]).toEqual(["/sign-in", "/static/assets/main-2.js"]);
  });

  it("shows the server's page whenever there is one, and keeps none of it", async () => {
    const { ask, stored } = await installed();
    network.mockImplementation(() => Promise.resolve(answer));
    expect(await ask("/cases/20260101-000001")).toBe(answer);
    expect(stored.get("wangge-shell-two")?.size).toBe(2);
  });

  it("shows the kept page for any screen without a network, or behind a gateway that has none", async () => {
    const { ask } = await installed();
    network.mockImplementation(gone);
    expect(await ask("/tasks")).toBe("kept /sign-in");
    expect(await ask("/static/assets/main-2.js", "cors")).toBe("kept /static/assets/main-2.js");
    network.mockImplementation(() => Promise.resolve({ status: 502 }));
    expect(await ask("/tasks")).toBe("kept /sign-in");
  });

  it.each([
    ["/api/v1/me", "cors", "GET"],
    ["/api/v1/attachments/x", "navigate", "GET"],
    ["/api/v1/cases", "cors", "POST"],
    ["/static/assets/other.js", "cors", "GET"],
    ["/metrics", "navigate", "GET"],
    ["https://elsewhere.example/tasks", "navigate", "GET"],
  ])("leaves %s (%s, %s) to the browser", async (path, mode, method) => {
    const { ask } = await installed();
    expect(ask(path, mode, method)).toBeUndefined();
  });
});
