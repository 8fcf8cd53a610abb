/**
 * What the rules of a form say of its present values: which fields are shown, which are needed, what is worked out,
 * which checks fail. A rule sees the fields beside it, then those around it; a hidden field has no value.
 */
import type { Title } from "@/api/types";
import { evaluate, type Json, truthy } from "@/rules/evaluate";
import type { Check, Field, FormPlan, Logic, Values } from "./plan";

export interface Failure {
  path: string;
  message: Title;
}

export interface Judgement {
  isVisible: (path: string) => boolean;
  isRequired: (path: string) => boolean;
  computed: ReadonlyMap<string, unknown>;
  failures: readonly Failure[];
}

/** A field at its place: inside a repeat group once for every item. */
interface Spot {
  field: Field;
  path: string;
  /** Path of the group or item around it, "" for the form. */
  parent: string;
  container: readonly string[];
}

interface Pass {
  hidden: Set<string>;
  computed: Map<string, unknown>;
}

/** Judge ``data``, in which every file is already a name. */
export function judge(plan: FormPlan, data: Values): Judgement {
  const spots = [...walk(plan.fields, data, "", "", [])];
  const last = settle(spots, plan, data);
  const required = new Set<string>();
  const sight = seen(plan, data, last);
  for (const spot of spots) {
    const rule = spot.field.required;
    const needed = rule === true || (spot.field.type === "repeat" && (spot.field.min_items ?? 0) > 0);
    if (needed || (isRule(rule) && truth(rule, sight(spot.container)))) required.add(spot.path);
  }
  return {
    isVisible: (path) => !last.hidden.has(path),
    isRequired: (path) => required.has(path),
    computed: last.computed,
    failures: [...failures(plan, spots, last, sight)],
  };
}

/** Work out visibility and computed values over and over until nothing changes: rules have no circles, so it ends. */
function settle(spots: Spot[], plan: FormPlan, data: Values): Pass {
  let pass: Pass = { hidden: new Set(), computed: new Map() };
  for (let round = 0; round <= spots.length; round += 1) {
    const next = step(spots, seen(plan, data, pass));
    if (same(pass, next)) return next;
    pass = next;
  }
  return pass;
}

function step(spots: Spot[], sight: Sight): Pass {
  const next: Pass = { hidden: new Set(), computed: new Map() };
  for (const spot of spots) {
    const { field, path, parent } = spot;
    if (next.hidden.has(parent) || (isRule(field.visible) && !truth(field.visible, sight(spot.container)))) next.hidden.add(path);
    else if (field.type === "computed" && isRule(field.value)) next.computed.set(path, worth(field.value, sight(spot.container)));
  }
  return next;
}

type Sight = (container: readonly string[]) => Values;

/** Make the function that gives the names a rule sees inside a chain of groups and items. */
function seen(plan: FormPlan, data: Values, pass: Pass): Sight {
  const whole = clean(plan.fields, data, "", pass);
  const known = new Map<string, Values>();
  return (container) => {
    const key = container.join("/");
    const found = known.get(key) ?? Object.assign({}, whole, ...container.map((path) => at(whole, path))) as Values;
    known.set(key, found);
    return found;
  };
}

/** Copy the values without the hidden ones and with the computed ones. */
function clean(fields: readonly Field[], values: Values, above: string, pass: Pass): Values {
  const out: Values = {};
  for (const field of fields) {
    const path = above + field.id;
    if (pass.hidden.has(path)) out[field.id] = field.type === "repeat" ? [] : null;
    else if (field.type === "computed") out[field.id] = pass.computed.get(path) ?? null;
    else if (field.type === "group") out[field.id] = clean(field.fields ?? [], (values[field.id] ?? {}) as Values, `${path}.`, pass);
    else if (field.type === "repeat") {
      out[field.id] = rowsOf(values[field.id]).map((row, index) => clean(field.fields ?? [], row, `${path}[${index}].`, pass));
    } else out[field.id] = nothing(values[field.id]) ? null : values[field.id];
  }
  return out;
}

/** What the server stores nothing for is null to a rule. */
function nothing(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value.trim() === "") || (Array.isArray(value) && value.length === 0);
}

function* walk(fields: readonly Field[], values: Values, above: string, parent: string, container: readonly string[]): Generator<Spot> {
  for (const field of fields) {
    const path = above + field.id;
    yield { field, path, parent, container };
    if (field.type === "group") yield* walk(field.fields ?? [], (values[field.id] ?? {}) as Values, `${path}.`, path, [...container, path]);
    if (field.type === "repeat") {
      for (const [index, row] of rowsOf(values[field.id]).entries()) {
        yield* walk(field.fields ?? [], row, `${path}[${index}].`, path, [...container, `${path}[${index}]`]);
      }
    }
  }
}

function* failures(plan: FormPlan, spots: Spot[], pass: Pass, sight: Sight): Generator<Failure> {
  yield* failing(plan.checks, "", [], pass, sight);
  for (const { field, path, container } of spots) {
    if (pass.hidden.has(path)) continue;
    if (field.type === "group") yield* failing(field.checks ?? [], `${path}.`, [...container, path], pass, sight);
    if (field.type === "repeat") {
      for (const index of rowsOf(at(sight(container), field.id)).keys()) {
        yield* failing(field.checks ?? [], `${path}[${index}].`, [...container, `${path}[${index}]`], pass, sight);
      }
    }
  }
}

function* failing(checks: readonly Check[], above: string, container: readonly string[], pass: Pass, sight: Sight): Generator<Failure> {
  for (const check of checks) {
    const path = above + check.at;
    if (!pass.hidden.has(path) && !truth(check.rule, sight(container))) yield { path, message: check.message };
  }
}

function at(values: Values, path: string): Values {
  let here: unknown = values;
  for (const step of path.split(/[.[\]]+/).filter(Boolean)) here = (here as Record<string, unknown> | null)?.[step];
  return (here ?? {}) as Values;
}

function rowsOf(value: unknown): Values[] {
  return Array.isArray(value) ? (value as Values[]) : [];
}

function isRule(rule: Logic): boolean {
  return typeof rule === "object" && rule !== null;
}

const DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" });

/** The day in China, as the server counts it, wherever this browser stands. */
function today(): string {
  return DAY.format(new Date());
}

/** A rule that cannot be worked out hides nothing and stops nobody: the server judges it again. */
function truth(rule: Logic, data: Values): boolean {
  try {
    return truthy(rule as Json, data as Json, { today: today() });
  } catch (error) {
    console.error("rule failed", rule, error);
    return true;
  }
}

function worth(rule: Logic, data: Values): unknown {
  try {
    return evaluate(rule as Json, data as Json, { today: today() });
  } catch (error) {
    console.error("rule failed", rule, error);
    return null;
  }
}

function same(one: Pass, other: Pass): boolean {
  return (
    one.hidden.size === other.hidden.size &&
    [...one.hidden].every((path) => other.hidden.has(path)) &&
    one.computed.size === other.computed.size &&
    [...one.computed].every(([path, value]) => other.computed.has(path) && JSON.stringify(other.computed.get(path)) === JSON.stringify(value))
  );
}
