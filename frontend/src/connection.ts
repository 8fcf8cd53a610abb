/** Whether the device has a network, and a pulse while somebody is really here. */
import { onBeforeUnmount, onMounted, shallowRef } from "vue";

const PULSE_MS = 60_000;
/** An unattended page asks nothing: its questions would keep the session alive. */
const AWAY_MS = 15 * 60_000;

export const online = shallowRef(navigator.onLine);

for (const name of ["online", "offline"]) {
  addEventListener(name, () => {
    online.value = navigator.onLine;
  });
}

let lastTouch = Date.now();

for (const name of ["pointerdown", "keydown"]) {
  addEventListener(name, () => (lastTouch = Date.now()), { passive: true, capture: true });
}

/** Call ``act`` once a minute while the page is shown, used and online. */
export function useWhileHere(act: () => void): void {
  let pulse: ReturnType<typeof setInterval> | undefined;
  onMounted(() => {
    pulse = setInterval(() => {
      if (online.value && document.visibilityState === "visible" && Date.now() - lastTouch < AWAY_MS) act();
    }, PULSE_MS);
  });
  onBeforeUnmount(() => {
    clearInterval(pulse);
  });
}
