/** The screens: each is fetched on demand, those of the work in the field ahead, because a phone loses its network between two of them. */
import { NetworkFailure } from "@/api";

const AHEAD = {
  agency: () => import("@/views/ChooseAgency.vue"),
  tasks: () => import("@/views/MyTasks.vue"),
  cases: () => import("@/views/CaseList.vue"),
  case: () => import("@/views/CasePage.vue"),
  report: () => import("@/views/NewReport.vue"),
  notices: () => import("@/views/MyNotices.vue"),
  profile: () => import("@/views/MyProfile.vue"),
  missing: () => import("@/views/NotFound.vue"),
};

/** Every number on these is asked of the server, so without a network they would show nothing. */
const ON_DEMAND = {
  ...AHEAD,
  scores: () => import("@/scores/ScoreBoard.vue"),
  subject: () => import("@/scores/SubjectPage.vue"),
  publications: () => import("@/scores/PublicationList.vue"),
  publication: () => import("@/scores/PublicationPage.vue"),
  dashboards: () => import("@/dashboards/DashboardPage.vue"),
  feedback: () => import("@/answers/InvitationList.vue"),
  rounds: () => import("@/answers/RoundList.vue"),
  round: () => import("@/answers/RoundPage.vue"),
  answer: () => import("@/answers/PublicAnswer.vue"),
};

type Screen = keyof typeof ON_DEMAND;

/** The loader of a screen; one that cannot be had is said as what it is, no network. */
export function screen<T extends Screen>(name: T): () => ReturnType<(typeof ON_DEMAND)[T]> {
  return () =>
    ON_DEMAND[name]().catch((cause: unknown) => {
      throw new NetworkFailure(String(cause));
    }) as ReturnType<(typeof ON_DEMAND)[T]>;
}

/** Fetch the screens of the field before they are asked for; what fails now is tried again, and said, when somebody goes there. */
export async function fetchScreens(): Promise<void> {
  await Promise.allSettled(Object.values(AHEAD).map((load) => load()));
}
