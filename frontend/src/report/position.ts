/** Where the device is. */
import type { Place } from "@/api";

export type PositionTrouble = "denied" | "unavailable" | "timeout" | "insecure";

export class NoPosition extends Error {
  constructor(readonly reason: PositionTrouble) {
    super(reason);
  }
}

const REASONS: Record<number, PositionTrouble> = { 1: "denied", 2: "unavailable", 3: "timeout" };

/** Ask the device once, for the best it has. */
export async function locate(timeout = 15_000): Promise<Required<Place>> {
  if (!isSecureContext || !("geolocation" in navigator)) throw new NoPosition("insecure");
  const found = await new Promise<GeolocationPosition>((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(resolve, (error) => {
      reject(new NoPosition(REASONS[error.code] ?? "unavailable"));
    }, { enableHighAccuracy: true, timeout, maximumAge: 10_000 });
  });
  const { longitude, latitude, accuracy } = found.coords;
  return { lon: rounded(longitude), lat: rounded(latitude), accuracy: Math.round(accuracy) };
}

/** Seven decimals are a centimetre: more is noise. */
export function rounded(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7;
}
