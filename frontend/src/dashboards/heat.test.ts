import { describe, expect, it } from "vitest";
import { bounds, colourOf, HEAT_COLOURS, heatOf } from "./heat";

const value = (key: string, n: number | null) => ({ key, title: key, counted: n, base: n, value: n, text: String(n), grade: null, is_ranked: null });
const shape = (code: string) => ({ type: "Feature" as const, properties: { code }, geometry: { type: "Point" as const, coordinates: [0, 0] } });

describe("heat", () => {
  it("parts the values into fifths, and gives nothing no colour", () => {
    const from = bounds([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100]);
    expect(from).toEqual([1, 3, 5, 7, 9]);
    expect([0, 1, 2, 4, 6, 8, 100].map((n) => colourOf(n, from))).toEqual([null, HEAT_COLOURS[0], HEAT_COLOURS[0], HEAT_COLOURS[1], HEAT_COLOURS[2], HEAT_COLOURS[3], HEAT_COLOURS[4]]);
  });

  it("gives equal values one colour", () => {
    const from = bounds([2, 2, 2]);
    expect(colourOf(2, from)).toBe(HEAT_COLOURS[4]);
    expect(bounds([])).toEqual(HEAT_COLOURS.map(() => Infinity));
    expect(colourOf(5, bounds([]))).toBeNull();
  });

  it("colours the shapes by code and leaves out those without a value", () => {
    const shapes = { type: "FeatureCollection" as const, features: [shape("A"), shape("B"), shape("C"), shape("D")] };
    const found = heatOf(shapes, [value("A", 3), value("grid:B", 9), value("C", 0), value("X", 7), value("D", null)]);
    expect(found.features.map((one) => [one.properties?.["code"], one.properties?.["value"]])).toEqual([["A", "3"], ["B", "9"]]);
  });
});
