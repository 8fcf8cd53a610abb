/**
 * The operators of the rule profile, with the server's meaning (core/rules).
 *
 * json-logic-engine walks the tree; none of its own operators is used, because
 * each is looser than the profile: it takes null for 0 and "10" for 10.
 * Arguments arrive unevaluated, so that a branch not taken costs nothing.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What an operator is given: its arguments as trees, and how to evaluate one. */
export interface Call {
  args: Json[];
  run: (tree: Json | undefined) => Json;
  /** Evaluate a tree for one row of a repeat group. */
  runRow: (tree: Json | undefined, row: Json) => Json;
  today: string | null;
}

type Operator = (call: Call) => Json;

/** Raised when a rule needs the present day and was given none. */
export class RuleError extends Error {}

export function truthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value !== null && typeof value === "object") return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Read a path; only what is the object's own counts, never a prototype's. */
export function dig(value: Json, path: readonly string[]): Json {
  let found: Json = value;
  for (const part of path) {
    if (found === null || typeof found !== "object" || Array.isArray(found) || !Object.hasOwn(found, part)) return null;
    found = found[part] ?? null;
  }
  return found;
}

export function same(one: Json, two: Json): boolean {
  if (Array.isArray(one) && Array.isArray(two)) return one.length === two.length && one.every((part, index) => same(part, two[index] ?? null));
  if (isObject(one) && isObject(two)) {
    const keys = Object.keys(one);
    return keys.length === Object.keys(two).length && keys.every((key) => Object.hasOwn(two, key) && same(one[key] ?? null, two[key] ?? null));
  }
  return one === two;
}

function isObject(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A number, or null for what is none; minus zero is zero. */
function numeric(value: number): Json {
  return Number.isNaN(value) ? null : value === 0 ? 0 : value;
}

/** An operator over numbers, folded from the left; anything that is no number makes it null. */
function calculated(fold: (one: number, two: number) => number, alone: (one: number) => number = (one) => one): Operator {
  return ({ args, run }) => {
    const values = args.map((part) => run(part));
    const found = numbersIn(values);
    const [first, ...rest] = found;
    if (first === undefined || found.length < values.length) return null;
    return numeric(rest.length ? rest.reduce(fold, first) : alone(first));
  };
}

function ofOne(calculate: (value: number) => number): Operator {
  return calculated((one) => one, calculate);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** Compare texts by character, as the server and PostgreSQL do; JavaScript's own `<` compares half characters. */
function order(one: string, two: string): number {
  const left = Array.from(one, codePoint);
  const right = Array.from(two, codePoint);
  for (const [index, code] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (code !== other) return code - other;
  }
  return left.length - right.length;
}

function compared(holds: (difference: number) => boolean): Operator {
  return ({ args, run }) => {
    const one = run(args[0]);
    const two = run(args[1]);
    if (typeof one === "number" && typeof two === "number") return holds(one < two ? -1 : one > two ? 1 : 0);
    if (typeof one === "string" && typeof two === "string") return holds(order(one, two));
    return false;
  };
}

function onText(change: (text: string) => string): Operator {
  return ({ args, run }) => {
    const text = run(args[0]);
    return typeof text === "string" ? change(text) : null;
  };
}

function affix(test: (text: string, part: string) => boolean): Operator {
  return ({ args, run }) => {
    const text = run(args[0]);
    const part = run(args[1]);
    return typeof text === "string" && typeof part === "string" && test(text, part);
  };
}

function listing(value: Json): Json[] {
  return Array.isArray(value) ? value : [];
}

function numbersIn(values: Json[]): number[] {
  return values.filter((value): value is number => typeof value === "number");
}

function extreme(pick: (...values: number[]) => number): Operator {
  return ({ args, run }) => {
    const values = args.map((part) => run(part));
    const only = values[0];
    const found = numbersIn(values.length === 1 && Array.isArray(only) ? only : values);
    return found.length ? pick(...found) : null;
  };
}

const BLANKS = "[ \\t\\n\\r\\f\\v\\u00a0\\u3000]+";
const EDGES = new RegExp(`^${BLANKS}|${BLANKS}$`, "g");

/** Round the number as it is written in decimal, a half away from zero. */
function rounded(value: Json, digits: Json): Json {
  if (typeof value !== "number" || typeof digits !== "number" || !Number.isInteger(digits) || digits < 0 || digits > 10) return null;
  const [mantissa, exponent] = String(Math.abs(value)).split("e");
  const shifted = Math.round(Number(`${mantissa}e${Number(exponent ?? 0) + digits}`));
  const [whole, power] = String(shifted).split("e");
  return numeric(Math.sign(value) * Number(`${whole}e${Number(power ?? 0) - digits}`));
}

const DAY = 86_400_000;

/** The written day of an ISO date or date-time as days since 1970, null for anything else. */
function dayNumber(value: Json): number | null {
  const match = typeof value === "string" ? /^(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$/s.exec(value) : null;
  if (!match || match[1] === "0000") return null;
  const time = Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`);
  if (Number.isNaN(time) || writtenDay(time / DAY) !== `${match[1]}-${match[2]}-${match[3]}`) return null;
  return time / DAY;
}

function writtenDay(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

function ofDays(calculate: (start: number, end: number) => number): Operator {
  return ({ args, run }) => {
    const start = dayNumber(run(args[0]));
    const end = dayNumber(run(args[1]));
    return start === null || end === null ? null : numeric(calculate(start, end));
  };
}

function fullYears(start: number, end: number): number {
  if (end < start) return -fullYears(end, start);
  const [from, to] = [writtenDay(start), writtenDay(end)];
  return Number(to.slice(0, 4)) - Number(from.slice(0, 4)) - (to.slice(5) < from.slice(5) ? 1 : 0);
}

const FIRST_DAY = -719162;
const LAST_DAY = 2932896;

function addDays(start: Json, days: Json): Json {
  const first = dayNumber(start);
  if (first === null || typeof days !== "number" || !Number.isInteger(days)) return null;
  const moved = first + days;
  return moved < FIRST_DAY || moved > LAST_DAY ? null : writtenDay(moved);
}

function rowsOf({ args, run }: Call): Json[] {
  return listing(run(args[0]));
}

export const OPERATORS: Record<string, Operator> = {
  or: ({ args, run }) => args.some((part) => truthy(run(part))),
  and: ({ args, run }) => args.every((part) => truthy(run(part))),
  "!": ({ args, run }) => !truthy(run(args[0])),
  "==": ({ args, run }) => same(run(args[0]), run(args[1])),
  "!=": ({ args, run }) => !same(run(args[0]), run(args[1])),
  "<": compared((difference) => difference < 0),
  "<=": compared((difference) => difference <= 0),
  ">": compared((difference) => difference > 0),
  ">=": compared((difference) => difference >= 0),
  in: ({ args, run }) => {
    const item = run(args[0]);
    const among = run(args[1]);
    if (Array.isArray(among)) return among.some((part) => same(item, part));
    return typeof among === "string" && typeof item === "string" && among.includes(item);
  },
  "+": calculated((one, two) => one + two),
  "-": calculated(
    (one, two) => one - two,
    (one) => -one,
  ),
  "*": calculated((one, two) => one * two),
  "/": calculated((one, two) => (two === 0 ? NaN : one / two)),
  "%": calculated((one, two) => one % two),
  if: ({ args, run }) => {
    for (let index = 0; index + 1 < args.length; index += 2) if (truthy(run(args[index]))) return run(args[index + 1]);
    return args.length % 2 ? run(args[args.length - 1]) : null;
  },
  "??": ({ args, run }) => {
    for (const part of args) {
      const value = run(part);
      if (value !== null) return value;
    }
    return null;
  },
  is_empty: ({ args, run }) => {
    const value = run(args[0]);
    return value === null || value === "" || (Array.isArray(value) && value.length === 0);
  },
  length: ({ args, run }) => {
    const value = run(args[0]);
    if (typeof value === "string") return Array.from(value).length;
    return Array.isArray(value) ? value.length : 0;
  },
  lower: onText((text) => text.toLowerCase()),
  upper: onText((text) => text.toUpperCase()),
  trim: onText((text) => text.replace(EDGES, "")),
  starts_with: affix((text, part) => text.startsWith(part)),
  ends_with: affix((text, part) => text.endsWith(part)),
  cat: ({ args, run }) =>
    args
      .map((part) => run(part))
      .map((value) => (typeof value === "string" || (typeof value === "number" && Number.isFinite(value)) ? String(value) : ""))
      .join(""),
  abs: ofOne(Math.abs),
  floor: ofOne(Math.floor),
  ceil: ofOne(Math.ceil),
  round: ({ args, run }) => rounded(run(args[0]), args.length > 1 ? run(args[1]) : 0),
  min: extreme(Math.min),
  max: extreme(Math.max),
  sum: (call) => numeric(numbersIn(rowsOf(call)).reduce((total, value) => total + value, 0)),
  avg: (call) => {
    const found = numbersIn(rowsOf(call));
    return found.length ? numeric(found.reduce((total, value) => total + value, 0) / found.length) : null;
  },
  count: (call) => {
    const rows = rowsOf(call);
    return call.args.length === 1 ? rows.length : rows.filter((row) => truthy(call.runRow(call.args[1], row))).length;
  },
  some: (call) => rowsOf(call).some((row) => truthy(call.runRow(call.args[1], row))),
  all: (call) => rowsOf(call).every((row) => truthy(call.runRow(call.args[1], row))),
  none: (call) => !rowsOf(call).some((row) => truthy(call.runRow(call.args[1], row))),
  map: (call) => rowsOf(call).map((row) => call.runRow(call.args[1], row)),
  filter: (call) => rowsOf(call).filter((row) => truthy(call.runRow(call.args[1], row))),
  today: ({ today }) => {
    if (today === null) throw new RuleError("The rule uses today(), but the present day was not given.");
    return today;
  },
  days_between: ofDays((start, end) => end - start),
  years_between: ofDays(fullYears),
  add_days: ({ args, run }) => addDays(run(args[0]), run(args[1])),
};
