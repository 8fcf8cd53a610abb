/** Every call the workspace makes, typed: a change on the server's side is mended here and nowhere else. */
import { address, send, type Answer, type Query } from "./http";
import type {
  Attachment,
  CaseDetail,
  CaseSummary,
  CatalogueItem,
  Located,
  Me,
  NearbyCase,
  NewCase,
  Page,
  StateInfo,
  TaskPage,
  TransitionChoice,
} from "./types";
import type { FormPlan } from "@/form/plan";
import type { FeatureCollection } from "geojson";

export * from "./types";
export { address, context, NetworkFailure, newKey, Problem, type FieldProblem } from "./http";

export const WORKFLOW = "urban_mgmt.case";

export interface CaseFilter {
  state?: string | undefined;
  class_code?: string | undefined;
  grid?: string | undefined;
  q?: string | undefined;
  open?: boolean | undefined;
  limit?: number;
  after?: string | null;
}

async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await send<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) })).body;
}

export const session = {
  async open(username: string, password: string, code?: string): Promise<{ csrf_token: string }> {
    const body = code ? { username, password, code } : { username, password };
    return (await send<{ csrf_token: string }>("POST", "/session", { body, quiet401: true })).body;
  },
  async close(): Promise<void> {
    await send("DELETE", "/session", { quiet401: true });
  },
  async me(): Promise<Me> {
    return (await send<Me>("GET", "/me", { quiet401: true })).body;
  },
  async changePassword(current: string, replacement: string): Promise<void> {
    await send("PUT", "/me/password", { body: { current_password: current, new_password: replacement }, quiet401: true });
  },
};

export const cases = {
  tasks: (after: string | null = null, limit = 50): Promise<TaskPage> => get("/me/tasks", { after, limit }),

  list: (filter: CaseFilter, signal?: AbortSignal): Promise<Page<CaseSummary>> => get("/cases", { limit: 25, ...filter }, signal),

  show: (number: string): Promise<Answer<CaseDetail>> => send("GET", `/cases/${encodeURIComponent(number)}`),

  async transitions(number: string): Promise<TransitionChoice[]> {
    return (await get<{ items: TransitionChoice[] }>(`/cases/${encodeURIComponent(number)}/transitions`)).items;
  },

  async move(number: string, transition: string, data: unknown, version: string | number, key: string): Promise<void> {
    const path = `/cases/${encodeURIComponent(number)}/transitions`;
    await send("POST", path, { body: { transition, data }, ifMatch: version, idempotencyKey: key });
  },

  async report(data: unknown, key: string): Promise<NewCase> {
    return (await send<NewCase>("POST", "/cases", { body: { workflow: WORKFLOW, data }, idempotencyKey: key })).body;
  },

  async hints(classCode: string, lon: number, lat: number, signal?: AbortSignal): Promise<NearbyCase[]> {
    const query = { workflow: WORKFLOW, class_code: classCode, lon, lat };
    return (await get<{ items: NearbyCase[] }>("/cases/hints", query, signal)).items;
  },
};

export const definitions = {
  plan: (key: string): Promise<FormPlan> => get(`/forms/${encodeURIComponent(key)}/plan`),

  /** The form a case begins with. */
  reportForm: (): Promise<FormPlan> => definitions.plan("urban_mgmt.report"),

  /** The whole catalogue, page by page. */
  async catalogue(key: string): Promise<CatalogueItem[]> {
    const items: CatalogueItem[] = [];
    let after: string | null = null;
    do {
      const page: Page<CatalogueItem> = await get(`/catalogues/${encodeURIComponent(key)}/items`, { limit: 200, after });
      items.push(...page.items);
      after = page.next;
    } while (after);
    return items;
  },

  async states(): Promise<StateInfo[]> {
    const workflow = await get<{ states: Record<string, { title: StateInfo["title"] }> }>(`/workflows/${WORKFLOW}`);
    return Object.entries(workflow.states).map(([key, state]) => ({ key, title: state.title }));
  },
};

export const grids = {
  shapes: (query: { level?: string; bbox?: string }): Promise<FeatureCollection> => get("/grids.geojson", query),

  shape: (code: string): Promise<FeatureCollection> => get("/grids.geojson", { code }),

  locate: (lon: number, lat: number, signal?: AbortSignal): Promise<Located> => get("/grids/locate", { lon, lat }, signal),

  async search(q: string, scheme?: string, level?: string): Promise<{ code: string; name: string }[]> {
    return (await get<Page<{ code: string; name: string }>>("/grids", { q, scheme, level, limit: 30 })).items;
  },
};

export const choices = {
  async departments(q: string): Promise<{ id: number; key: string; name: string }[]> {
    return (await get<Page<{ id: number; key: string; name: string }>>("/departments", { q, limit: 200 })).items;
  },
  async people(q: string): Promise<{ id: number; username: string; name: string }[]> {
    return (await get<Page<{ id: number; username: string; name: string }>>("/users", { q, limit: 30 })).items;
  },
  async records(ledger: string, q: string): Promise<{ uuid: string; code: string; title: string }[]> {
    return (await get<Page<{ uuid: string; code: string; title: string }>>(`/ledgers/${encodeURIComponent(ledger)}/records`, { q, limit: 30 })).items;
  },
};

export interface UploadFacts {
  stage?: string | null | undefined;
  lon?: number | null | undefined;
  lat?: number | null | undefined;
  accuracy?: number | null | undefined;
}

export const attachments = {
  async add(file: Blob, name: string, facts: UploadFacts): Promise<Attachment> {
    const form = new FormData();
    form.append("file", file, name);
    for (const [key, value] of Object.entries(facts)) {
      if (value !== null && value !== undefined) form.append(key, String(value));
    }
    return (await send<Attachment>("POST", "/attachments", { form })).body;
  },
  url: (uuid: string): string => address(`/attachments/${encodeURIComponent(uuid)}`),
};
