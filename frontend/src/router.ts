/** Addresses of the workspace, and who may stand where. */
import { ElMessage } from "element-plus";
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from "vue-router";
import { explain } from "@/errors";
import { i18n } from "@/i18n";
import { screen } from "@/screens";
import SignIn from "@/views/SignIn.vue";
import { known, me, mustChoose, mustSecure, restore, trouble } from "@/session";

const routes: RouteRecordRaw[] = [
  { path: "/sign-in", name: "sign-in", component: SignIn, meta: { open: true } },
  // A resident's link: nobody need be signed in, and nobody is asked who they are.
  { path: "/a", name: "answer", component: screen("answer"), meta: { public: true } },
  { path: "/agency", name: "agency", component: screen("agency"), meta: { bare: true } },
  { path: "/", redirect: { name: "tasks" } },
  { path: "/tasks", name: "tasks", component: screen("tasks") },
  { path: "/cases", name: "cases", component: screen("cases") },
  { path: "/cases/:number", name: "case", component: screen("case"), props: true },
  { path: "/report", name: "report", component: screen("report") },
  { path: "/scores/:card?", name: "scores", component: screen("scores") },
  { path: "/scores/:card/:subject", name: "subject", component: screen("subject"), props: true },
  { path: "/publications", name: "publications", component: screen("publications") },
  { path: "/publications/:uuid", name: "publication", component: screen("publication"), props: true },
  { path: "/dashboards/:dashboard?", name: "dashboards", component: screen("dashboards") },
  { path: "/feedback", name: "feedback", component: screen("feedback") },
  { path: "/surveys", name: "rounds", component: screen("rounds") },
  { path: "/surveys/:survey/rounds/:uuid", name: "round", component: screen("round"), props: true },
  { path: "/notices", name: "notices", component: screen("notices") },
  { path: "/profile", name: "profile", component: screen("profile") },
  { path: "/:rest(.*)*", name: "missing", component: screen("missing") },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is still experimental
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  if (to.meta["public"]) return true;
  if (!known.value) {
    try {
      await restore();
    } catch (error) {
      trouble.value = error;
      return false;
    }
  }
  if (!me.value) return to.meta["open"] ? true : { name: "sign-in", query: { next: to.fullPath } };
  if (to.name === "sign-in") return nextOf(to);
  if (mustChoose.value && to.name !== "agency") return { name: "agency", query: { next: to.fullPath } };
  if (mustSecure.value && to.name !== "profile" && to.name !== "agency") return { name: "profile", query: { next: to.fullPath } };
  return true;
});

const TITLES: Record<string, string> = {
  "sign-in": "signIn.title",
  agency: "agency.title",
  tasks: "tasks.title",
  cases: "cases.title",
  report: "report.title",
  scores: "score.title",
  subject: "score.title",
  publications: "publication.title",
  publication: "publication.title",
  dashboards: "dashboard.title",
  feedback: "feedback.title",
  rounds: "feedback.rounds",
  round: "feedback.rounds",
  answer: "answer.title",
  notices: "notices.title",
  profile: "profile.title",
  missing: "missing.title",
};

router.afterEach((to) => {
  const { t } = i18n.global;
  const key = TITLES[String(to.name)];
  const name = to.name === "case" ? String(to.params["number"]) : key ? t(key) : "";
  document.title = [name, t("common.productLong")].filter(Boolean).join(" · ");
});

// A screen that cannot be fetched must not leave a click without an answer.
router.onError(async (error: unknown, to) => {
  if (!router.currentRoute.value.matched.length) trouble.value = error;
  // The server is there, only this screen is not: the workspace was upgraded under an open page.
  else if (await isReachable()) location.assign(to.fullPath);
  else {
    const said = explain(error);
    ElMessage.error({ message: [said.title, said.detail].filter(Boolean).join(" · "), grouping: true, duration: 6000 });
  }
});

async function isReachable(): Promise<boolean> {
  try {
    return (await fetch("/sign-in", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Where to go after signing in: only ever a path of our own. */
export function nextOf(route: RouteLocationNormalized): string {
  const next = route.query["next"];
  return typeof next === "string" && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/tasks";
}
