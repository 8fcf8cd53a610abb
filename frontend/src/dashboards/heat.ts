/** Areas with their values as colours: equal counts get equal colours, and zero gets none. */
import type { FeatureCollection } from "geojson";
import type { TileValue } from "@/api/dashboards";

/** From few to many; told apart by those who see no red or green. */
export const HEAT_COLOURS = ["#fde7a9", "#f9b75e", "#ee7f3b", "#cf4a2c", "#8f1d2c"];

/** Where each colour begins: fifths of the values that are there, so that one crowded area does not make all others pale. */
export function bounds(values: readonly number[]): number[] {
  const sorted = values.filter((value) => value > 0).sort((one, other) => one - other);
  return HEAT_COLOURS.map((_, index) => sorted[Math.floor((index * sorted.length) / HEAT_COLOURS.length)] ?? Infinity);
}

/** The colour of a value, or none. */
export function colourOf(value: number, from: readonly number[]): string | null {
  const index = from.findLastIndex((bound) => value >= bound);
  return value > 0 && index >= 0 ? (HEAT_COLOURS[index] ?? null) : null;
}

/** The shapes that have a value, each with its colour; a shape is found by the code it carries. */
export function heatOf(shapes: FeatureCollection, values: readonly TileValue[]): FeatureCollection {
  const known = new Map(values.map((one) => [one.key, one]));
  const from = bounds(values.map((one) => one.value ?? 0));
  const features = shapes.features.flatMap((shape) => {
    const code: unknown = shape.properties?.["code"];
    const value = typeof code === "string" ? (known.get(code) ?? known.get(`grid:${code}`)) : undefined;
    const colour = value ? colourOf(value.value ?? 0, from) : null;
    return colour ? [{ ...shape, properties: { ...shape.properties, colour, value: value?.text } }] : [];
  });
  return { type: "FeatureCollection", features };
}
