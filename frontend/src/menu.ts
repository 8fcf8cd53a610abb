/** The ways to evaluation: shown to whom the server shows something there. */
import { computed } from "vue";
import type { IconName } from "@/components/AppIcon.vue";
import { may, me } from "@/session";

export interface Way {
  name: string;
  icon: IconName;
  label: string;
}

export const evaluation = computed<Way[]>(() => [
  ...(may("dashboards:dashboard:read") ? [{ name: "dashboards", icon: "board", label: "nav.dashboards" } as const] : []),
  // One's own score is seen without any right.
  ...(me.value?.agency ? [{ name: "scores", icon: "scores", label: "nav.scores" } as const] : []),
  ...(may("feedback:invitation:read") || may("feedback:round:manage") ? [{ name: "feedback", icon: "answers", label: "nav.feedback" } as const] : []),
]);
