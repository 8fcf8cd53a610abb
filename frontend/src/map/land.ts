/** The agency's polygons: a coarse level whole, the finest one where the map looks. */
import type { FeatureCollection } from "geojson";
import { grids, type GridScheme } from "@/api";
import { me } from "@/session";

export interface Land {
  scheme: GridScheme;
  coarse: FeatureCollection;
}

let loading: Promise<Land | null> | null = null;

/** The scheme of the agency with its coarse polygons, asked for once; null when the agency has none. */
export function wholeLand(): Promise<Land | null> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<Land | null> {
  const key = me.value?.agency?.scheme;
  if (!key) return null;
  const scheme = await grids.scheme(key);
  // The top level is one outline; the one below it is what people name.
  const level = scheme.levels[1] ?? scheme.levels[0];
  return level ? { scheme, coarse: await grids.shapes({ level: level.key }) } : null;
}

/** Forget the land of the agency acted for until now. */
export function forgetLand(): void {
  loading = null;
}

/** The finest polygons that touch a box (west, south, east, north). */
export async function landIn(land: Land, box: [number, number, number, number]): Promise<FeatureCollection | null> {
  const level = land.scheme.levels.at(-1);
  return level && land.scheme.levels.length > 2 ? grids.shapes({ level: level.key, bbox: box.map((degrees) => degrees.toFixed(5)).join(",") }) : null;
}

/** The box that holds all shapes, as the server reads it: west, south, east, north; null where there are none. */
export function boxOf(shapes: FeatureCollection | undefined): string | null {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const shape of shapes?.features ?? []) if ("coordinates" in shape.geometry) stretch(box, shape.geometry.coordinates);
  return box[0] <= box[2] ? box.map((degrees) => degrees.toFixed(5)).join(",") : null;
}

function stretch(box: [number, number, number, number], part: unknown): void {
  if (!Array.isArray(part)) return;
  const [lon, lat] = part as unknown[];
  if (typeof lon !== "number" || typeof lat !== "number") {
    for (const inner of part) stretch(box, inner);
    return;
  }
  box[0] = Math.min(box[0], lon);
  box[1] = Math.min(box[1], lat);
  box[2] = Math.max(box[2], lon);
  box[3] = Math.max(box[3], lat);
}
