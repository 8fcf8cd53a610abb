/** The map before it is asked for: its library is the largest thing here, and a report is begun where there is no network. */
import { wholeLand } from "./land";

/** Read the library, start its workers and read the land's coarse shape; what fails now is tried again, and said, by the map itself. */
export async function fetchMap(): Promise<void> {
  await Promise.allSettled([import("./library").then((library) => { library.prewarm(); }), wholeLand()]);
}

/** Call ``act`` when the page has nothing better to do. */
export function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(act, { timeout: 20_000 });
  else setTimeout(act, 3_000);
}
