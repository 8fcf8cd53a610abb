/** Addresses of the workspace, and who may stand where. */
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from "vue-router";
import { i18n } from "@/i18n";
import SignIn from "@/views/SignIn.vue";
import { known, me, mustChoose, mustSecure, restore, trouble } from "@/session";

const routes: RouteRecordRaw[] = [
  { path: "/sign-in", name: "sign-in", component: SignIn, meta: { open: true } },
  { path: "/agency", name: "agency", component: () => import("@/views/ChooseAgency.vue"), meta: { bare: true } },
  { path: "/", redirect: { name: "tasks" } },
  { path: "/tasks", name: "tasks", component: () => import("@/views/MyTasks.vue") },
  { path: "/cases", name: "cases", component: () => import("@/views/CaseList.vue") },
  { path: "/cases/:number", name: "case", component: () => import("@/views/CasePage.vue"), props: true },
  { path: "/report", name: "report", component: () => import("@/views/NewReport.vue") },
  { path: "/notices", name: "notices", component: () => import("@/views/MyNotices.vue") },
  { path: "/profile", name: "profile", component: () => import("@/views/MyProfile.vue") },
  { path: "/:rest(.*)*", name: "missing", component: () => import("@/views/NotFound.vue") },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is still experimental
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
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
  if (mustSecure.value && to.name !== "profile" && to.name !== "agency") return { name: "profile" };
  return true;
});

const TITLES: Record<string, string> = {
  "sign-in": "signIn.title",
  agency: "agency.title",
  tasks: "tasks.title",
  cases: "cases.title",
  report: "report.title",
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

/** Where to go after signing in: only ever a path of our own. */
export function nextOf(route: RouteLocationNormalized): string {
  const next = route.query["next"];
  return typeof next === "string" && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/tasks";
}
