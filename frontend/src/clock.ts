/** One clock for every due time on the screen, ticking twice a minute; it goes by the server's time where the device's is wrong. */
import { shallowRef } from "vue";

/** Less than this is the way of the answer, not a wrong clock. */
const WRONG_MS = 90_000;

let ahead = 0;

export const now = shallowRef(new Date());

setInterval(tick, 30_000);

function tick(): void {
  now.value = new Date(Date.now() + ahead);
}

/** Hear what time it is where the limits are kept, as each answer of the server says it. */
export function hear(said: string | null): void {
  const difference = Date.parse(said ?? "") - Date.now();
  if (Number.isNaN(difference) || Math.abs(difference - ahead) < WRONG_MS) return;
  ahead = Math.abs(difference) < WRONG_MS ? 0 : difference;
  tick();
}
