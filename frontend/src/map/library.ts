/** The map library with its worker as a file of our own: the content security policy allows no blob. */
import { setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";

setWorkerUrl(workerUrl);

export { LngLatBounds, Map as MapLibre, Marker, NavigationControl, prewarm, ScaleControl, type GeoJSONSource } from "maplibre-gl";
