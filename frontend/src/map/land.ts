/** The agency's polygons: the coarse level whole, the fine one where the map looks. */
import type { FeatureCollection } from "geojson";
import { grids } from "@/api";

export const COARSE = "street";
export const FINE = "unit_grid";

const whole = new Map<string, Promise<FeatureCollection>>();

/** Every polygon of a level, asked for once. */
export function wholeLand(level: string): Promise<FeatureCollection> {
  const known = whole.get(level);
  if (known) return known;
  const loading = grids.shapes({ level }).catch((error: unknown) => {
    whole.delete(level);
    throw error;
  });
  whole.set(level, loading);
  return loading;
}

/** The polygons of a level that touch a box (west, south, east, north). */
export function shapesIn(level: string, box: [number, number, number, number]): Promise<FeatureCollection> {
  return grids.shapes({ level, bbox: box.map((degrees) => degrees.toFixed(5)).join(",") });
}
