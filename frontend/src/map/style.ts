/** How the land is drawn: the agency's own polygons and nothing from any other server. */
import type { StyleSpecification } from "maplibre-gl";

export const EMPTY = { type: "FeatureCollection" as const, features: [] };

/** From this zoom on the finest grids are shown. */
export const FROM_CLOSE = 14.5;

const LINE = "#7d9a9b";

/** Coarse shapes always, fine ones from close by; names where there is room. */
export const STYLE: StyleSpecification = {
  version: 8,
  sources: {
    coarse: { type: "geojson", data: EMPTY },
    fine: { type: "geojson", data: EMPTY },
    heat: { type: "geojson", data: EMPTY },
    here: { type: "geojson", data: EMPTY },
  },
  layers: [
    { id: "ground", type: "background", paint: { "background-color": "#e9eeec" } },
    { id: "coarse-fill", type: "fill", source: "coarse", paint: { "fill-color": "#f9fbfa" } },
    { id: "heat-fill", type: "fill", source: "heat", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.78, "fill-outline-color": ["get", "colour"] } },
    { id: "fine-line", type: "line", source: "fine", minzoom: FROM_CLOSE, paint: { "line-color": LINE, "line-width": 0.8, "line-opacity": 0.7 } },
    {
      id: "coarse-line", type: "line", source: "coarse",
      paint: { "line-color": "#3f6a6c", "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.8, 15, 2] },
    },
    { id: "here-fill", type: "fill", source: "here", paint: { "fill-color": "#0d5f63", "fill-opacity": 0.14 } },
    { id: "here-line", type: "line", source: "here", paint: { "line-color": "#0d5f63", "line-width": 2.5 } },
    {
      id: "coarse-name", type: "symbol", source: "coarse", maxzoom: FROM_CLOSE,
      layout: { "text-field": ["get", "name"], "text-size": 13, "text-padding": 6 },
      paint: { "text-color": "#2f4a4c", "text-halo-color": "#ffffff", "text-halo-width": 1.5 },
    },
    {
      id: "fine-name", type: "symbol", source: "fine", minzoom: FROM_CLOSE + 0.5,
      layout: { "text-field": ["get", "name"], "text-size": 12, "text-padding": 6 },
      paint: { "text-color": "#4d6567", "text-halo-color": "#ffffff", "text-halo-width": 1.5 },
    },
  ],
};
