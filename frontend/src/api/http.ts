/** One way to ask the server: same-origin cookie session, CSRF header, acting agency, problem documents. */
import { hear } from "@/clock";

export interface FieldProblem {
  path: string;
  detail: string;
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldProblem[];
  allowed?: unknown;
  [extra: string]: unknown;
}

/** The server answered, and said no. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly document: ProblemDocument,
    readonly retryAfter: number | null = null,
  ) {
    super(document.detail || document.title);
  }

  get status(): number {
    return this.document.status;
  }

  get errors(): FieldProblem[] {
    return this.document.errors ?? [];
  }
}

/** The server could not be reached, so nobody knows whether it has the request: send again with the same key. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
}

export interface Answer<T> {
  body: T;
  /** The version in the ETag, to be sent back in If-Match. */
  version: string | null;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  form?: FormData;
  ifMatch?: string | number;
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** The caller deals with 401 itself (sign-in, the first look at the session). */
  quiet401?: boolean;
  /** Ask as nobody: no cookie is sent, and no agency, also where somebody is signed in. */
  asNobody?: boolean;
}

interface Context {
  csrf: string | null;
  agency: string | null;
  locale: string;
  signedOut: () => void;
}

/** What every request carries; the session module keeps it up to date. */
export const context: Context = { csrf: null, agency: null, locale: "zh-CN", signedOut: () => undefined };

export const PREFIX = "/api/v1";

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return PREFIX + path + (text ? `?${text}` : "");
}

/** Send one request; raise Problem for a refusal and NetworkFailure when no answer came. */
export async function send<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const response = await reach(address(path, options.query), {
    method,
    headers: headersOf(method, options),
    body: options.form ?? (options.body === undefined ? null : JSON.stringify(options.body)),
    credentials: options.asNobody ? "omit" : "same-origin",
    signal: options.signal ?? null,
  });
  if (!response.ok) throw await problemOf(response, options);
  const etag = response.headers.get("ETag");
  const text = response.status === 204 ? "" : await response.text();
  return { body: (text ? JSON.parse(text) : null) as T, version: etag?.replace(/^W\//, "").replaceAll('"', "") ?? null };
}

/** Ask for something and give what was answered. */
export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await send<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) })).body;
}

/** Fetch a file as the acting agency: an address in an image could not say for whom. What changes something is posted. */
export async function fetchFile(url: string, method: "GET" | "POST" = "GET"): Promise<Response> {
  const response = await reach(url, { method, headers: headersOf(method, {}), credentials: "same-origin" });
  if (!response.ok) throw await problemOf(response, {});
  return response;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, init);
    hear(response.headers.get("Date"));
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new NetworkFailure(error instanceof Error ? error.message : String(error));
  }
}

function headersOf(method: string, options: Options): Headers {
  const headers = new Headers({ Accept: "application/json", "Accept-Language": context.locale });
  if (context.agency && !options.asNobody) headers.set("X-Wangge-Agency", context.agency);
  if (method !== "GET" && context.csrf && !options.asNobody) headers.set("X-CSRF-Token", context.csrf);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (options.ifMatch !== undefined) headers.set("If-Match", `"${options.ifMatch}"`);
  if (options.idempotencyKey) headers.set("Idempotency-Key", options.idempotencyKey);
  return headers;
}

async function problemOf(response: Response, options: Options): Promise<Problem | NetworkFailure> {
  // A gateway that gave up says nothing about whether the server has the request.
  if ([502, 504].includes(response.status)) return new NetworkFailure(`${response.status}`);
  const document = await documentOf(response);
  const wait = Number(response.headers.get("Retry-After"));
  if (response.status === 401 && !options.quiet401) context.signedOut();
  return new Problem(document, Number.isFinite(wait) && wait > 0 ? wait : null);
}

async function documentOf(response: Response): Promise<ProblemDocument> {
  const bare: ProblemDocument = { type: "about:blank", title: response.statusText, status: response.status, detail: "" };
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return bare;
  const text = await response.text();
  return { ...bare, ...(JSON.parse(text) as Partial<ProblemDocument>), status: response.status };
}

/** A fresh key for one thing to be done once, however often it is sent. */
export function newKey(): string {
  // randomUUID exists only in secure contexts; a pilot over plain http on a local network must work too.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
