/** The shared vectors in the browser's evaluator: the same file that the server and PostgreSQL run. */
import { describe, expect, it } from "vitest";
import shared from "../../../core/rules/vectors.json";
import { evaluate, RuleError, truthy } from "./evaluate";
import type { Json } from "./evaluate";

interface Vector {
  group: string;
  text: string;
  tree: Json;
  data: string;
  gives: Json;
  today?: string;
}

const data = shared.data as unknown as Record<string, Json>;
const vectors = shared.vectors as unknown as Vector[];

describe("shared vectors", () => {
  it("are all there", () => {
    expect(vectors.length).toBeGreaterThan(300);
  });
  it.each(vectors.map((vector) => [`${vector.group}: ${vector.text}`, vector] as const))("%s", (_name, vector) => {
    const options = { today: vector.today ?? null };
    expect(evaluate(vector.tree, data[vector.data] ?? null, options)).toStrictEqual(vector.gives);
    const holds = Array.isArray(vector.gives) ? vector.gives.length > 0 : Boolean(vector.gives);
    expect(truthy(vector.tree, data[vector.data] ?? null, options)).toBe(holds);
  });
});

describe("beyond the vectors", () => {
  it("refuses an operator outside the profile", () => {
    expect(() => evaluate({ log: ["x"] }, {})).toThrow();
  });
  it("refuses today() without a day", () => {
    expect(() => evaluate({ today: [] }, {})).toThrow(RuleError);
  });
  it("gives null for a number too large to be written", () => {
    expect(evaluate({ "*": [1e308, 10] }, {})).toBeNull();
    expect(evaluate({ ">": [{ "*": [1e308, 10] }, 3] }, {})).toBe(true);
  });
  it("never reads a prototype", () => {
    expect(evaluate({ var: "__proto__.polluted" }, {})).toBeNull();
    expect(evaluate({ var: "constructor.name" }, {})).toBeNull();
  });
});
