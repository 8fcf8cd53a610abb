import { describe, expect, it } from "vitest";
import { scaleOf } from "./scale";

describe("the scale of an axis", () => {
  it("is marked in round numbers from zero to above the highest", () => {
    expect(scaleOf([3, 17, null]).ticks).toEqual([0, 5, 10, 15, 20]);
    expect(scaleOf([812]).ticks).toEqual([0, 250, 500, 750, 1000]);
    expect(scaleOf([]).ticks).toEqual([0, 1, 2, 3, 4]);
  });

  it("of points shows close scores close to the top, and low ones from zero", () => {
    expect(scaleOf([88.5, 93.6], 100)).toEqual({ low: 40, high: 100, ticks: [40, 60, 80, 100] });
    expect(scaleOf([12, 93.6], 100).ticks).toEqual([0, 25, 50, 75, 100]);
  });

  it("holds every value", () => {
    for (const values of [[0.001], [1e6, 3], [-4, 7], [99.99]]) {
      const { low, high } = scaleOf(values);
      for (const value of values) expect(value >= low && value <= high, `${value} in ${low}..${high}`).toBe(true);
    }
  });
});
