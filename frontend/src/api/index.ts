/** Every call the workspace makes, typed: a change on the server's side is mended here and nowhere else. */
import { fetchFile, get, send, type Answer, type Query } from "./http";
import type {
  AppKey,
  Attachment,
  CaseDetail,
  CaseSummary,
  CatalogueItem,
  GridLand,
  GridScheme,
  Inbox,
  Located,
  Me,
  NearbyCase,
  NewCase,
  Page,
  StateInfo,
  TaskPage,
  Title,
  TransitionChoice,
} from "./types";
import type { FormPlan } from "@/form/plan";
import type { FeatureCollection } from "geojson";

export * from "./types";
export { context, NetworkFailure, newKey, Problem, type FieldProblem } from "./http";

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
  async changePassword(current: string, password: string): Promise<void> {
    await send("PUT", "/me/password", { body: { current, password } });
  },
  async chooseLocale(locale: "zh_CN" | "en"): Promise<void> {
    await send("PUT", "/me/locale", { body: { locale } });
  },
  /** Begin to set up an authenticator app: what it needs, shown once. */
  async enrol(password: string): Promise<AppKey> {
    return (await send<AppKey>("POST", "/me/second-factor", { body: { password } })).body;
  },
  /** Confirm the app with its first code; the recovery codes are shown this once. */
  async confirmCode(code: string): Promise<string[]> {
    return (await send<{ recovery_codes: string[] }>("POST", "/me/second-factor/confirm", { body: { code } })).body.recovery_codes;
  },
  /** A new set of recovery codes; the old ones are good no more. */
  async recoveryCodes(password: string): Promise<string[]> {
    return (await send<{ recovery_codes: string[] }>("POST", "/me/second-factor/recovery-codes", { body: { password } })).body.recovery_codes;
  },
  async withoutCode(password: string): Promise<void> {
    await send("POST", "/me/second-factor/disable", { body: { password } });
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

  /** Give a grid to a case that lies outside every grid. */
  async assignGrid(number: string, grid: string, version: string | number): Promise<void> {
    await send("PUT", `/cases/${encodeURIComponent(number)}/grid`, { body: { grid }, ifMatch: version });
  },

  async report(data: unknown, key: string): Promise<NewCase> {
    return (await send<NewCase>("POST", "/cases", { body: { workflow: WORKFLOW, data }, idempotencyKey: key })).body;
  },

  async hints(classCode: string, lon: number, lat: number, signal?: AbortSignal): Promise<NearbyCase[]> {
    const query = { workflow: WORKFLOW, class_code: classCode, lon, lat };
    return (await get<{ items: NearbyCase[] }>("/cases/hints", query, signal)).items;
  },
};

export const notices = {
  list: (after: string | null = null, limit = 30): Promise<Inbox> => get("/me/notices", { after, limit }),

  async read(id: number): Promise<void> {
    await send("PUT", `/me/notices/${id}/read`);
  },

  async readAll(): Promise<void> {
    await send("PUT", "/me/notices/read");
  },
};

export const definitions = {
  plan: (key: string): Promise<FormPlan> => get(`/forms/${encodeURIComponent(key)}`),

  /** A version of a form, such as the one that a step was made with. */
  planOfVersion: (id: number): Promise<FormPlan> => get(`/form-versions/${id}`),

  /** The form a case begins with. */
  reportForm: (): Promise<FormPlan> => definitions.plan("urban_mgmt.report"),

  async catalogue(key: string): Promise<CatalogueItem[]> {
    const found = await get<{ content: { items: CatalogueItem[] } }>(`/catalogues/${encodeURIComponent(key)}`);
    return found.content.items;
  },

  async states(): Promise<StateInfo[]> {
    const found = await get<{ content: { states: Record<string, { title: Title }> } }>(`/workflows/${WORKFLOW}`);
    return Object.entries(found.content.states).map(([key, state]) => ({ key, title: state.title }));
  },
};

export const grids = {
  shapes: (query: { level: string; bbox?: string }): Promise<FeatureCollection> => get("/grids.geojson", query),

  show: (code: string, signal?: AbortSignal): Promise<GridLand> => get(`/grids/${encodeURIComponent(code)}`, {}, signal),

  scheme: (key: string): Promise<GridScheme> => get(`/grid-schemes/${encodeURIComponent(key)}`),

  locate: (lon: number, lat: number, signal?: AbortSignal): Promise<Located> => get("/grids/locate", { lon, lat }, signal),

  async search(q: string, scheme?: string, level?: string): Promise<{ code: string; name: string }[]> {
    return (await get<Page<{ code: string; name: string }>>("/grids", { q, scheme, level, limit: 30 })).items;
  },
};

export interface DepartmentChoice {
  id: number;
  code: string;
  name: string;
  path: string;
}

export const choices = {
  /** Every department in use that I may see. */
  departments: (): Promise<DepartmentChoice[]> => all("/departments", { active: true }),

  async people(search: string): Promise<{ id: number; username: string; name: string }[]> {
    return (await get<Page<{ id: number; username: string; name: string }>>("/users", { search, active: true, limit: 30 })).items;
  },
  person: (id: number): Promise<{ id: number; name: string }> => get(`/users/${id}`),

  async records(ledger: string, q: string): Promise<{ uuid: string; code: string; title: string }[]> {
    return (await get<Page<{ uuid: string; code: string; title: string }>>(`/ledgers/${encodeURIComponent(ledger)}/records`, { q, limit: 30 })).items;
  },
};

/** A whole list, page by page. */
async function all<T>(path: string, query: Query): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  do {
    const page: Page<T> = await get(path, { ...query, limit: 200, after });
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}

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
  /** Read a file's content; ``url`` is the server's own, below our prefix. */
  async content(url: string): Promise<Blob> {
    return (await fetchFile(url)).blob();
  },
};
