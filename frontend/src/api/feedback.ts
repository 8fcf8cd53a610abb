/** What residents say: the public page behind a link, those to be asked, and rounds of a survey. */
import { address, fetchFile, get, send } from "./http";
import type { Titled } from "./scores";
import type { Page } from "./types";
import type { FormPlan } from "@/form/plan";

export interface OpenedLink {
  agency: Titled;
  survey: Titled;
  case: Titled | null;
  expires_at: string;
  form: FormPlan;
}

/** Asked as nobody: whoever holds the link need not be signed in, and who is signed in is not the one who answers. */
export const link = {
  async open(agency: string, token: string): Promise<OpenedLink> {
    return (await send<OpenedLink>("POST", "/answers/open", { body: { agency, token }, asNobody: true, quiet401: true })).body;
  },
  async answer(agency: string, token: string, data: unknown): Promise<void> {
    await send("POST", "/answers", { body: { agency, token, data }, asNobody: true, quiet401: true });
  },
};

export interface Survey extends Titled {
  /** The workflow after whose closing it asks; null for rounds. */
  after: Titled | null;
  level: string | null;
  wanted: number | null;
  at_least: number | null;
  /** Key of the form that is filled in. */
  form: string;
}

export interface GivenAnswer {
  answered_at: string;
  points: number;
  data: Record<string, unknown>;
  /** What was written in the person's own words; null once erased. */
  words: Record<string, unknown>;
  taken_by: string | null;
  reopening: "waiting" | "taken" | "refused" | null;
  reopening_reason: string | null;
}

export interface Invitation {
  uuid: string;
  survey: Titled;
  /** Number and title of the class. */
  case: Titled;
  state: "waiting" | "answered" | "expired";
  created_at: string;
  expires_at: string;
  sent_via: string | null;
  sent_at: string | null;
  answer: GivenAnswer | null;
}

export interface Reopening {
  case: Titled;
  state: "waiting" | "refused";
  reason: string | null;
  answered_at: string;
  at: string;
}

export interface RoundSummary {
  uuid: string;
  survey: Titled;
  opens_on: string;
  closes_on: string;
  seed: string;
  /** Of each grid. */
  wanted: number;
  grids: number;
  invited: number;
  answered: number;
  codes_issued_at: string | null;
  created_at: string;
}

export interface Round extends RoundSummary {
  areas: { code: string; name: string; invited: number; answered: number }[];
}

export interface NewRound {
  opens_on: string;
  closes_on: string;
  wanted: number | null;
  seed: string | null;
}

const of = (survey: string): string => `/surveys/${encodeURIComponent(survey)}`;

export const feedback = {
  async surveys(): Promise<Survey[]> {
    return (await get<{ items: Survey[] }>("/surveys")).items;
  },

  invitations: (asked: { survey?: string | undefined; state?: string | undefined; unsent?: boolean | undefined; after?: string | null }, signal?: AbortSignal): Promise<Page<Invitation>> =>
    get("/invitations", { limit: 30, ...asked }, signal),

  reopenings: (after: string | null = null): Promise<Page<Reopening>> => get("/reopenings", { after }),

  async ofCase(number: string): Promise<Invitation[]> {
    return (await get<{ items: Invitation[] }>(`/cases/${encodeURIComponent(number)}/answers`)).items;
  },

  async newLink(uuid: string): Promise<{ link: string; expires_at: string }> {
    return (await send<{ link: string; expires_at: string }>("POST", `/invitations/${encodeURIComponent(uuid)}/link`, {})).body;
  },

  /** Keep what somebody answered on the telephone. */
  async take(number: string, survey: string, data: unknown): Promise<void> {
    await send("POST", `/cases/${encodeURIComponent(number)}/answers`, { body: { survey, data } });
  },

  async rounds(survey: string): Promise<RoundSummary[]> {
    return (await get<{ items: RoundSummary[] }>(`${of(survey)}/rounds`)).items;
  },

  round: (survey: string, uuid: string): Promise<Round> => get(`${of(survey)}/rounds/${encodeURIComponent(uuid)}`),

  async begin(survey: string, round: NewRound, key: string): Promise<RoundSummary> {
    return (await send<RoundSummary>("POST", `${of(survey)}/rounds`, { body: round, idempotencyKey: key })).body;
  },

  /** Take codes out, of all areas or of one; each leaves once. */
  async codes(survey: string, uuid: string, format: "xlsx" | "html", grid: string): Promise<Blob> {
    return (await fetchFile(address(`${of(survey)}/rounds/${encodeURIComponent(uuid)}/codes`, { format, grid }), "POST")).blob();
  },
};
