/** What the server's render plan says, and small questions about it. */
import type { Title } from "@/api/types";

/** A JsonLogic tree; only the rules module looks inside. */
export type Logic = unknown;

export type FieldKind =
  | "text"
  | "long_text"
  | "integer"
  | "decimal"
  | "money"
  | "boolean"
  | "date"
  | "time"
  | "datetime"
  | "choice"
  | "multi_choice"
  | "catalogue"
  | "grid"
  | "point"
  | "photo"
  | "audio"
  | "file"
  | "signature"
  | "person"
  | "department"
  | "record"
  | "computed"
  | "group"
  | "repeat";

export interface Option {
  value: string;
  label: Title;
}

export interface Check {
  rule: Logic;
  message: Title;
  at: string;
}

export interface Field {
  id: string;
  type: FieldKind;
  label: Title;
  help?: Title | null;
  required?: Logic;
  visible?: Logic;
  default?: unknown;
  personal?: boolean;
  min?: number | string;
  max?: number | string;
  min_length?: number;
  max_length?: number;
  pattern?: string;
  pattern_message?: Title;
  digits?: number;
  unit?: Title;
  options?: Option[];
  catalogue?: string;
  level?: string;
  scheme?: string;
  ledger?: string;
  min_count?: number;
  max_count?: number;
  stage?: string;
  camera_only?: boolean;
  accept?: string[];
  max_seconds?: number;
  value?: Logic;
  result?: FieldKind;
  fields?: Field[];
  checks?: Check[];
  min_items?: number;
  max_items?: number;
}

export interface FormPlan {
  key: string;
  version: number;
  title: Title;
  fields: Field[];
  checks: Check[];
}

export type Values = Record<string, unknown>;

export const FILE_KINDS: ReadonlySet<FieldKind> = new Set<FieldKind>(["photo", "audio", "file", "signature"]);

const WIDE_KINDS: ReadonlySet<FieldKind> = new Set<FieldKind>([
  "long_text", "photo", "audio", "file", "signature", "point", "group", "repeat", "multi_choice",
]);

/** A text that may be longer than this is a sentence, not a name or a number. */
const SENTENCE = 100;

/** Whether a field needs the whole width of the form; a field that is explained does, for its explanation. */
export function isWide(field: Field): boolean {
  if (WIDE_KINDS.has(field.type) || field.help) return true;
  if (field.type === "text") return (field.max_length ?? Infinity) > SENTENCE;
  return field.type === "choice" && (field.options?.length ?? 0) > 3;
}

/** The values a form starts with. */
export function startingValues(fields: readonly Field[], given: Values = {}): Values {
  const values: Values = {};
  for (const field of fields) values[field.id] = startingValue(field, given[field.id]);
  return values;
}

function startingValue(field: Field, given: unknown): unknown {
  if (field.type === "group") return startingValues(field.fields ?? [], (given ?? {}) as Values);
  if (field.type === "repeat") {
    const rows = Array.isArray(given) ? (given as Values[]) : Array.from({ length: field.min_items ?? 0 }, () => ({}));
    return rows.map((row) => startingValues(field.fields ?? [], row));
  }
  if (FILE_KINDS.has(field.type) || field.type === "multi_choice") return Array.isArray(given) ? [...(given as unknown[])] : [];
  return given ?? field.default ?? null;
}

/** Whether nothing was filled in; for a yes/no only null is nothing. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === "string") return value.trim() === "";
  return Array.isArray(value) && value.length === 0;
}

/** Under what the form of a step is kept: its version, and the key where none is known. */
export function planKey(made: { form: string | null; form_version: number | null }): string {
  return String(made.form_version ?? made.form ?? "");
}
