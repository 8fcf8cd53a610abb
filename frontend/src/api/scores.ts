/** Scores: boards, one subject, the list behind a number, and what was published of them. */
import { address, fetchFile, get, send } from "./http";
import type { Page } from "./types";
import type { PeriodKind } from "@/scores/period";

/** Of a number: what is counted, all of it, what was left out, and all but what is counted. */
export type Part = "counted" | "base" | "exempted" | "missed";

export interface Titled {
  key: string;
  title: string;
}

export interface PeriodInfo extends Titled {
  kind: PeriodKind;
  starts_on: string;
  /** The last day of it. */
  ends_on: string;
  is_over: boolean;
}

export interface Grade extends Titled {
  colour: string;
  from: number;
}

export interface Line extends Titled {
  help: string | null;
  /** count, rate, ratio, mean, share, items, deduction, target or score (a part). */
  kind: string;
  unit: string | null;
  better: "higher" | "lower" | null;
  /** Null for what is shown beside the score. */
  weight: number | null;
  /** Each takes what lies above the one before, up to and with its own bound; the last takes the rest. Empty where a rate itself is the points. */
  steps: { up_to: number | null; points: number }[];
  /** The scorecard whose score this part is. */
  part_of: string | null;
}

export interface ScorecardSummary extends Titled {
  method: string;
  subject_kind: string;
  /** Levels of areas, largest first. */
  levels: Titled[];
  periods: PeriodKind[];
  version: number;
  in_force_since: string | null;
  source: string | null;
}

export interface Scorecard extends ScorecardSummary {
  lines: Line[];
  also: Line[];
  /** Best first. */
  grades: Grade[];
}

export interface Subject {
  /** As addresses name it: grid:110101010, own:110101010, department:E02, person:17, whole, nobody, outside. */
  key: string;
  kind: string;
  code: string | null;
  name: string;
  level: string | null;
  parent: string | null;
  /** That it was split, was closed, or has left. */
  note: string | null;
}

export interface Cell {
  key: string;
  counted: number;
  base: number;
  exempted: number;
  value: number | null;
  /** The value with its counts as people read it. */
  text: string;
  points: number | null;
  weight: number | null;
  /** The weight after lines without data gave theirs away. */
  effective: number | null;
}

export interface ScoreRow {
  subject: Subject;
  score: number | null;
  grade: string | null;
  rank: number | null;
  is_ranked: boolean;
  volume: number | null;
  cells: Cell[];
  also: Cell[];
  /** Whole sentences: which line has no data, too few cases to rank. */
  notes: string[];
}

export interface PublicationHint {
  uuid: string;
  revision: number;
  published_at: string;
}

interface Times {
  /** Everything up to here is counted. */
  as_of: string;
  lag_seconds: number;
}

export interface ScoreBoard extends Times, Page<ScoreRow> {
  scorecard: Scorecard;
  period: PeriodInfo;
  level: string | null;
  below: Subject | null;
  publication: PublicationHint | null;
  total: number;
}

export interface TrendPoint {
  period: PeriodInfo;
  score: number | null;
  grade: string | null;
  rank: number | null;
  /** Frozen; otherwise as it stands now. */
  is_published: boolean;
}

export interface SubjectScore extends Times {
  scorecard: Scorecard;
  period: PeriodInfo;
  publication: PublicationHint | null;
  row: ScoreRow;
  children: ScoreRow[];
  trend: TrendPoint[];
}

interface Coded {
  code: string;
  name: string;
}

export interface Fact {
  number: string | null;
  may_open: boolean;
  class_title: string | null;
  state: Titled | null;
  grid: Coded | null;
  department: Coded | null;
  /** Title of the limit that ran. */
  limit: string | null;
  /** Title of the step that ended it. */
  verb: string | null;
  began_at: string | null;
  due_at: string | null;
  ended_at: string | null;
  closed_at: string | null;
  is_late: boolean | null;
  verdict: "counted" | "missed" | "exempted";
  exemption: string | null;
  /** What it adds to a mean, or the points it takes. */
  value: number | null;
}

export interface FactPage extends Page<Fact> {
  part: Part;
  total: number;
}

export interface Publication {
  uuid: string;
  scorecard: Titled;
  scorecard_version: number;
  period: PeriodInfo;
  revision: number;
  state: "proposed" | "published";
  is_newest: boolean;
  reason: string;
  as_of: string;
  created_at: string;
  created_by: string | null;
  published_at: string | null;
  published_by: string | null;
  cases: number;
  digest: string;
  formula: Record<string, unknown>;
  formula_digest: string;
}

export interface Preview {
  period: PeriodInfo;
  as_of: string;
  may_publish: boolean;
  reason_if_not: string | null;
  pending: { appeals: number; open_cases: number };
  published: Publication[];
}

export interface Results extends Page<ScoreRow> {
  publication: Publication;
  scorecard: Scorecard;
  total: number;
}

export interface LateCase {
  number: string;
  may_open: boolean;
  is_new: boolean;
  changes_numbers: boolean;
  steps: { sequence: number; at: string; verb: string; title: string; actor: string | null }[];
}

export interface LateEvents extends Page<LateCase> {
  total: number;
  /** The proposed revision that takes it in. */
  proposal: string | null;
}

export interface Difference {
  subject: Subject;
  score_before: number | null;
  score_after: number | null;
  grade_before: string | null;
  grade_after: string | null;
  rank_before: number | null;
  rank_after: number | null;
  lines: { key: string; title: string; changes: { name: string; before: number | null; after: number | null }[] }[];
}

export interface Differences {
  before: Publication;
  after: Publication;
  items: Difference[];
  cases: LateCase[];
}

export interface BoardAsked {
  period: string;
  level?: string | undefined;
  below?: string | undefined;
  sort?: string | undefined;
  after?: string | null;
}

export interface FactsAsked {
  part: Part;
  after?: string | null;
}

const of = (card: string): string => `/scorecards/${encodeURIComponent(card)}`;

export const scores = {
  async cards(): Promise<ScorecardSummary[]> {
    return (await get<{ items: ScorecardSummary[] }>("/scorecards")).items;
  },

  board: (card: string, asked: BoardAsked, signal?: AbortSignal): Promise<ScoreBoard> => get(`${of(card)}/scores`, { limit: 100, ...asked }, signal),

  subject: (card: string, subject: string, period: string, signal?: AbortSignal): Promise<SubjectScore> =>
    get(`${of(card)}/scores/${encodeURIComponent(subject)}`, { period }, signal),

  facts: (card: string, subject: string, line: string, asked: FactsAsked & { period: string }, signal?: AbortSignal): Promise<FactPage> =>
    get(`${of(card)}/scores/${encodeURIComponent(subject)}/lines/${encodeURIComponent(line)}/facts`, { limit: 50, ...asked }, signal),
};

const at = (uuid: string): string => `/publications/${encodeURIComponent(uuid)}`;

/** Where the bulletin is read: the server's own page, with a style of its own. */
export function bulletinAddress(uuid: string, format: "xlsx" | "html"): string {
  return address(`${at(uuid)}/bulletin`, { format });
}

export const publications = {
  list: (asked: { scorecard?: string | undefined; period?: string | undefined; state?: string | undefined; after?: string | null }, signal?: AbortSignal): Promise<Page<Publication>> =>
    get("/publications", asked, signal),

  preview: (scorecards: readonly string[], period: string, signal?: AbortSignal): Promise<Preview> =>
    get("/publication-preview", { scorecards: scorecards.join(","), period }, signal),

  show: (uuid: string): Promise<Publication> => get(at(uuid)),

  results: (uuid: string, asked: { level?: string | undefined; after?: string | null; limit?: number }, signal?: AbortSignal): Promise<Results> =>
    get(`${at(uuid)}/results`, { limit: 100, ...asked }, signal),

  facts: (uuid: string, subject: string, line: string, asked: FactsAsked, signal?: AbortSignal): Promise<FactPage> =>
    get(`${at(uuid)}/facts`, { subject, line, limit: 50, ...asked }, signal),

  lateEvents: (uuid: string, after: string | null = null): Promise<LateEvents> => get(`${at(uuid)}/late-events`, { after }),

  differences: (uuid: string): Promise<Differences> => get(`${at(uuid)}/differences`),

  /** Asked twice, it publishes once. */
  async publish(scorecards: readonly string[], period: string, reason: string): Promise<Publication[]> {
    return (await send<{ items: Publication[] }>("POST", "/publications", { body: { scorecards, period, reason } })).body.items;
  },

  async propose(uuid: string): Promise<Publication> {
    return (await send<Publication>("POST", `${at(uuid)}/revisions`)).body;
  },

  async publishRevision(uuid: string, reason: string): Promise<void> {
    await send("POST", `${at(uuid)}/publish`, { body: { reason } });
  },

  /** The bulletin as a file, read as the acting agency. */
  async bulletin(uuid: string, format: "xlsx" | "html"): Promise<Blob> {
    return (await fetchFile(bulletinAddress(uuid, format))).blob();
  },
};
