/** What is wrong with the values, found before sending; the server checks everything again. */
import { i18n, text } from "@/i18n";
import type { Judgement } from "./conditions";
import { type Field, FILE_KINDS, type FormPlan, isEmpty, type Values } from "./plan";

const CHOSEN = new Set(["choice", "multi_choice", "catalogue", "grid", "person", "department", "record"]);

/** Yield path and sentence of everything wrong, fields first, then the form's own checks. */
export function* problemsOf(plan: FormPlan, values: Values, judgement: Judgement): Generator<[string, string]> {
  yield* ofFields(plan.fields, values, judgement, "");
  for (const failure of judgement.failures) yield [failure.path, text(failure.message)];
}

function* ofFields(fields: readonly Field[], values: Values, judgement: Judgement, above: string): Generator<[string, string]> {
  for (const field of fields) {
    const path = above + field.id;
    if (!judgement.isVisible(path) || field.type === "computed") continue;
    const value = values[field.id];
    if (field.type === "group") yield* ofFields(field.fields ?? [], (value ?? {}) as Values, judgement, `${path}.`);
    else if (isEmpty(value)) {
      if (judgement.isRequired(path)) yield [path, missing(field)];
    } else yield* ofValue(field, value, path);
    if (field.type === "repeat") {
      for (const [index, row] of ((value ?? []) as Values[]).entries()) {
        yield* ofFields(field.fields ?? [], row, judgement, `${path}[${index}].`);
      }
    }
  }
}

function missing(field: Field): string {
  const { t } = i18n.global;
  const label = text(field.label);
  if (field.type === "point") return t("field.requiredPoint");
  if (field.type === "photo") return t("field.requiredPhoto");
  if (FILE_KINDS.has(field.type)) return t("field.requiredFile", { label });
  return CHOSEN.has(field.type) ? t("field.requiredChoice", { label }) : t("field.required", { label });
}

function* ofValue(field: Field, value: unknown, path: string): Generator<[string, string]> {
  const { t } = i18n.global;
  if (typeof value === "string" && (field.type === "text" || field.type === "long_text")) {
    const words = ofText(field, value.trim());
    if (words) yield [path, words];
  } else if (field.type === "integer" || field.type === "decimal" || field.type === "money") {
    const words = ofNumber(field, value);
    if (words) yield [path, words];
  } else if (Array.isArray(value)) {
    const low = field.min_items ?? field.min_count ?? 0;
    const high = field.max_items ?? field.max_count ?? Infinity;
    if (value.length < low) yield [path, t("field.minItems", { n: low })];
    if (value.length > high) yield [path, t("field.maxItems", { n: high })];
  }
}

function ofText(field: Field, value: string): string | null {
  const { t } = i18n.global;
  const length = Array.from(value).length; // code points, as the server counts
  if (field.max_length !== undefined && length > field.max_length) return t("field.tooLong", { n: field.max_length });
  if (field.min_length !== undefined && length < field.min_length) return t("field.tooShort", { n: field.min_length });
  if (field.pattern !== undefined && !fits(field.pattern, value)) return text(field.pattern_message) || t("field.pattern");
  return null;
}

/** The server's patterns are Python's: one that this browser cannot read is left to the server. */
function fits(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    return true;
  }
}

function ofNumber(field: Field, value: unknown): string | null {
  const { t } = i18n.global;
  if (typeof value !== "number" || !Number.isFinite(value)) return t("field.notNumber");
  if (field.type === "integer" && !Number.isInteger(value)) return t("field.notWhole");
  if (typeof field.min === "number" && value < field.min) return t("field.tooSmall", { n: field.min });
  if (typeof field.max === "number" && value > field.max) return t("field.tooBig", { n: field.max });
  const digits = field.type === "money" ? 2 : (field.digits ?? 2);
  if (field.type !== "integer" && Number(value.toFixed(digits)) !== value) return t("field.digits", { n: digits });
  return null;
}
