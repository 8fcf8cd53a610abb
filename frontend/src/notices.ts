/** The number beside the bell, shared by the menu and the screen. */
import { shallowRef } from "vue";
import { NetworkFailure, notices, Problem } from "@/api";
import { me, mustSecure } from "@/session";

export const unread = shallowRef(0);

/** Ask how many notices are unread; without a network the number stays what it was. */
export async function countUnread(): Promise<void> {
  // Whoever must first change a password is told nothing yet.
  if (!me.value?.agency || mustSecure.value) return;
  try {
    unread.value = (await notices.list(null, 1)).unread;
  } catch (error) {
    // A session that has ended leads to the sign-in by itself.
    if (!(error instanceof NetworkFailure) && !(error instanceof Problem && error.status === 401)) console.error(error);
  }
}
