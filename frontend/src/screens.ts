/** The screens: each is fetched on demand, and all of them ahead, because a phone loses its network between two of them. */
import { NetworkFailure } from "@/api";

const ON_DEMAND = {
  agency: () => import("@/views/ChooseAgency.vue"),
  tasks: () => import("@/views/MyTasks.vue"),
  cases: () => import("@/views/CaseList.vue"),
  case: () => import("@/views/CasePage.vue"),
  report: () => import("@/views/NewReport.vue"),
  notices: () => import("@/views/MyNotices.vue"),
  profile: () => import("@/views/MyProfile.vue"),
  missing: () => import("@/views/NotFound.vue"),
};

type Screen = keyof typeof ON_DEMAND;

/** The loader of a screen; one that cannot be had is said as what it is, no network. */
export function screen<T extends Screen>(name: T): () => ReturnType<(typeof ON_DEMAND)[T]> {
  return () =>
    ON_DEMAND[name]().catch((cause: unknown) => {
      throw new NetworkFailure(String(cause));
    }) as ReturnType<(typeof ON_DEMAND)[T]>;
}

/** Fetch every screen before it is asked for; what fails now is tried again, and said, when somebody goes there. */
export async function fetchScreens(): Promise<void> {
  await Promise.allSettled(Object.values(ON_DEMAND).map((load) => load()));
}
