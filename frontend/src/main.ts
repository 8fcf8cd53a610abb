/** Start of the workspace. */
import { createApp } from "vue";
import App from "./App.vue";
import { context } from "@/api";
import { i18n, locale, useLanguage } from "@/i18n";
import { router } from "@/router";
import { startOffline } from "@/offline/register";
import * as session from "@/session";
import "@/styles/tokens.css";
import "@/styles/base.css";

useLanguage(locale.value, { keep: false });

context.signedOut = () => {
  session.forget();
  const current = router.currentRoute.value;
  if (current.name !== "sign-in") void router.push({ name: "sign-in", query: { next: current.fullPath, ended: "1" } });
};

// A resident who answers once needs nothing kept on the device.
if (location.pathname !== "/a") startOffline();
createApp(App).use(i18n).use(router).mount("#app");
