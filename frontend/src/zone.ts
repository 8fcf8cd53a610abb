/** Whose clocks the screens show: the agency's, because a limit ends there, whatever zone a device thinks it is in. */
import { shallowRef } from "vue";
import { locale } from "@/i18n";

/** The zone that times are shown and entered in; undefined is the device's own, before anybody has signed in. */
export const zone = shallowRef<string>();

/** Show times by the clocks of ``name``; one that this browser does not know is said, and its own are shown. */
export function useZone(name: string | null): void {
  try {
    zone.value = name ? new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone : undefined;
  } catch (error) {
    console.error(error);
    zone.value = undefined;
  }
}

/** Write an instant as the clocks there show it: 2026-11-23T08:30. */
export function wallClock(at: Date): string {
  const form = new Intl.DateTimeFormat("en", {
    timeZone: zone.value, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  const parts = new Map(form.formatToParts(at).map((part) => [part.type, part.value]));
  return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}T${parts.get("hour")}:${parts.get("minute")}`;
}

/** Find the instant at which the clocks there show ``written``; in an hour that a change of the clocks leaves out, the one after it. */
export function instantOf(written: string): Date {
  const wanted = Date.parse(`${written}Z`);
  let at = wanted;
  // The first guess may fall on the other side of a change of the clocks; the second does not.
  for (let round = 0; round < 2; round += 1) at += wanted - Date.parse(`${wallClock(new Date(at))}Z`);
  return new Date(at);
}

/** The zone's name in the reader's language, such as China Standard Time, with its own. */
export function nameOfZone(now = new Date()): string {
  const shown = new Intl.DateTimeFormat(locale.value, { timeZone: zone.value, timeZoneName: "long" });
  const name = shown.formatToParts(now).find((part) => part.type === "timeZoneName")?.value ?? "";
  return zone.value ? `${name} (${zone.value})` : name;
}
