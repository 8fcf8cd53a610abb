/**
 * The browser's twin of the server's rule evaluator.
 *
 * json-logic-engine in `run` mode (it never builds code, so a strict content
 * security policy holds), with the profile's operators only. The server has
 * checked every rule for size and nesting before it comes here, and evaluates
 * it again: what is shown is decided here, what is stored is decided there.
 */
import { LogicEngine } from "json-logic-engine";
import { dig, OPERATORS, RuleError, truthy as isTrue } from "./operators";
import type { Json } from "./operators";

export { RuleError };
export type { Json };

/** A JsonLogic tree of the profile. */
export type Rule = Json;

/** Options of one evaluation. */
export interface Options {
  /** The present day where the agency is, `2026-03-18`; needed by `today()`. */
  today?: string | null;
}

/** What the operators must know of the evaluation they are in: the whole form, and the day. */
interface Frame {
  root: Json;
  today: string | null;
}

const engine = new LogicEngine({}, { disableInterpretedOptimization: true });

function frameOf(above: unknown[]): Frame {
  return above[above.length - 1] as Frame;
}

engine.addMethod("var", {
  lazy: true,
  method: (args: unknown, row: Json) => dig(row, String(args) === "" ? [] : String(args).split(".")),
});
// The first argument says how far to climb; in the profile that is always the whole form.
engine.addMethod("val", {
  lazy: true,
  method: (args: unknown, _row: Json, above: unknown[]) => dig(frameOf(above).root, (args as Json[]).slice(1) as string[]),
});
for (const [name, operator] of Object.entries(OPERATORS)) {
  engine.addMethod(name, {
    lazy: true,
    method: (args: unknown, row: Json, above: unknown[]) =>
      operator({
        args: args as Json[],
        run: (tree) => run(tree, row, above),
        runRow: (tree, inner) => run(tree, inner, above),
        today: frameOf(above).today,
      }),
  });
}

function run(tree: Json | undefined, row: Json, above: unknown[]): Json {
  if (tree === undefined || tree === null || typeof tree !== "object") return tree ?? null;
  if (Array.isArray(tree)) return tree.map((part) => run(part, row, above));
  return engine.run(tree, row, { above }) as Json;
}

/** Give the value of `rule` for `data`; what is missing is null. Throws RuleError when `today` is needed and missing. */
export function evaluate(rule: Rule, data: Json, options: Options = {}): Json {
  const frame: Frame = { root: data, today: options.today ?? null };
  const value = run(rule, data, [frame]);
  // A number too large to be written is no answer; on the way there it may still be compared, as on the server.
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

/** Say whether `rule` holds for `data`; null, false, 0, "" and [] do not. */
export function truthy(rule: Rule, data: Json, options: Options = {}): boolean {
  return isTrue(evaluate(rule, data, options));
}
