/** One clock for every due time on the screen, ticking twice a minute. */
import { shallowRef } from "vue";

export const now = shallowRef(new Date());

setInterval(() => {
  now.value = new Date();
}, 30_000);
