/** What the server sends, as far as the workspace reads it. */
import type { Geometry } from "geojson";

/** A text in the reader's language already, or in every language. */
export type Title = string | Partial<Record<string, string>>;

export type Light = "green" | "yellow" | "red" | "none";

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Place {
  lon: number;
  lat: number;
  accuracy?: number | null;
}

export interface Me {
  user: { id: number; username: string; name: string };
  agencies: { key: string; title: string }[];
  /** Null while nobody's role is acted in. */
  agency: { key: string; title: string; origin: Place; time_zone: string; scheme: string | null } | null;
  roles: string[];
  rights: string[];
  department_id: number | null;
  locale: string;
  csrf_token: string | null;
  must_change_password: boolean;
  second_factor: { enrolled: boolean; proven: boolean; demanded: boolean; recovery_codes_left: number };
}

/** What an authenticator app needs. */
export interface AppKey {
  secret: string;
  uri: string;
  /** The same as a picture, a data: address. */
  qr: string;
}

export interface Named {
  key: string;
  title: string;
}

export type LimitUnit = "urgent_hour" | "urgent_day" | "work_hour" | "work_day";

export interface StoppedClock {
  since: string;
  left: { amount: number; unit: LimitUnit };
}

export interface CaseSummary {
  number: string;
  title: string;
  workflow: string;
  state: Named;
  category: "open" | "closed";
  class_code: string | null;
  class_title: string | null;
  grid: { code: string; name: string } | null;
  department: Named | null;
  /** inside, near (a border), outside (every grid), assigned (by hand), none */
  located: string;
  lon: number | null;
  lat: number | null;
  reported_at: string;
  state_entered_at: string;
  due_at: string | null;
  light: Light;
  /** Since when the clock stands, and what is left of the limit in its own unit. */
  stopped: StoppedClock | null;
  is_provisional: boolean;
  is_mine: boolean;
  version: number;
}

export interface TaskPage extends Page<CaseSummary> {
  counts: { all: number; yellow: number; red: number };
}

export interface CaseEvent {
  sequence: number;
  at: string;
  verb: string;
  title: string;
  actor: string | null;
  from_state: string;
  to_state: string;
  to_title: string;
  form: string | null;
  /** The version of the form that the step was made with. */
  form_version: number | null;
  data: Record<string, unknown>;
  /** How long the case had been in the state it left. */
  seconds: number | null;
  in_time: boolean | null;
}

/** What the server answers to an upload. */
export interface Attachment {
  uuid: string;
  name: string;
  content_type: string;
  size: number;
  url: string;
  thumbnail_url: string | null;
}

export interface CaseAttachment {
  uuid: string;
  sequence: number;
  field: string;
  name: string;
  content_type: string;
  url: string;
  thumbnail_url: string | null;
}

export interface CaseDetail extends CaseSummary {
  uuid: string;
  source: string | null;
  condition: string | null;
  condition_title: string | null;
  data: Record<string, unknown>;
  personal: Record<string, unknown>;
  counts: Record<string, number>;
  requests: string[];
  closed_at: string | null;
  events: CaseEvent[];
  /** The names of everybody who has had to do with the case, by number. */
  people: Record<string, string>;
  /** The names of the departments that have had it or a part of it, by number. */
  departments: Record<string, string>;
  attachments: CaseAttachment[];
  parent: string | null;
  sub_cases: { number: string; state: Named }[];
}

export interface NewCase {
  number: string;
  state: string;
  version: number;
}

export interface TransitionChoice {
  verb: string;
  title: string;
  form: string | null;
  to: string;
  /** The verbs that ask for what this one grants or refuses. */
  answers: string[];
  allowed: boolean;
  reason: string | null;
}

export interface CatalogueItem {
  code: string;
  parent?: string | null;
  title: Title;
  data?: Record<string, unknown>;
}

export interface Located {
  located: "inside" | "near" | "outside";
  code: string | null;
  path: string | null;
  /** Distance to the border when it is less than 10 m. */
  border_m: number | null;
}

export interface GridLand {
  code: string;
  name: string;
  polygon: Geometry | null;
}

export interface GridScheme {
  key: string;
  title: Title;
  levels: { key: string; title: Title }[];
}

export interface NearbyCase {
  number: string;
  title: string;
  class_title: string | null;
  state: Named;
  metres: number;
  reported_at: string;
  is_likely_duplicate: boolean;
}

export interface StateInfo {
  key: string;
  title: Title;
}

export interface Notice {
  id: number;
  topic: string;
  /** What it is about, such as ``case:`` and a number. */
  subject: string;
  title: string;
  created_at: string;
  read_at: string | null;
}

export interface Inbox extends Page<Notice> {
  unread: number;
}
