/** Who is signed in and for which agency they act; everything else asks here. */
import { computed, shallowRef } from "vue";
import { context, session as api, type Me } from "@/api";
import { forgetChoices } from "@/form/lookup";
import { forgetLand } from "@/map/land";
import { forgetReportForm } from "@/report/form";
import { useZone } from "@/zone";
import { type Locale, localeOf, remembered, useLanguage } from "@/i18n";

const AGENCY = "wangge.agency";
const HERE = "wangge.here";

export const me = shallowRef<Me | null>(null);
/** False until the server has said whether there is a session. */
export const known = shallowRef(false);
/** Set after signing in with several agencies, until one is chosen. */
export const mustChoose = shallowRef(false);
/** Why the first look at the session failed; null when it did not. */
export const trouble = shallowRef<unknown>(null);

/** Nothing else is possible before the password is changed, or before the second factor that a role demands is proven. */
export const mustSecure = computed(() => {
  const now = me.value;
  return now !== null && (now.must_change_password || (now.second_factor.demanded && !now.second_factor.proven));
});
/** Signed in, but without a role anywhere. */
export const hasNoRole = computed(() => me.value !== null && me.value.agency === null && me.value.agencies.length === 0);

/** Who uses this device: known without a network too, as long as they have not signed out. */
export interface Keeper {
  username: string;
  agency: string;
  zone: string;
}

/** Whoever was signed in when this device last heard of it; nobody after signing out. */
export function keeper(): Keeper | null {
  const stored = localStorage.getItem(HERE);
  return stored === null ? null : (JSON.parse(stored) as Keeper);
}

/** What one sees oneself is reported, what others tell is registered; both begin a case with the same form. */
export const seesHimself = computed(() => me.value?.rights.some((right) => right.endsWith(":case:report")) ?? false);
export const mayReport = computed(() => seesHimself.value || (me.value?.rights.some((right) => right.endsWith(":case:register")) ?? false));

/** Whether a right is held, somewhere at least; the server judges where. */
export function may(right: string): boolean {
  return me.value?.rights.includes(right) ?? false;
}

/** Look for a session the browser may still hold. */
export async function restore(): Promise<void> {
  context.agency = localStorage.getItem(AGENCY);
  try {
    take(await api.me());
  } catch (error) {
    // A role in the remembered agency may be gone: fall back to the home agency, once.
    if (statusOf(error) === 404 && context.agency) {
      forgetAgency();
      take(await api.me());
    } else if (statusOf(error) === 401) localStorage.removeItem(HERE);
    else throw error;
  }
  known.value = true;
}

export async function signIn(username: string, password: string, code?: string): Promise<void> {
  forgetAgency();
  const opened = await api.open(username, password, code);
  context.csrf = opened.csrf_token;
  take(await api.me());
  mustChoose.value = (me.value?.agencies.length ?? 0) > 1;
  await tellLocale();
}

/** Read oneself again: a password was changed, a second factor set up. */
export async function renew(): Promise<void> {
  take(await api.me());
}

/** Speak another language, here and in what the server says. */
export async function speak(language: Locale): Promise<void> {
  useLanguage(language, { keep: true });
  await tellLocale();
}

/** The server speaks the language kept with the person, so it is told what was chosen on this device. */
async function tellLocale(): Promise<void> {
  const chosen = remembered();
  if (!me.value || !chosen || localeOf(me.value.locale) === chosen) return;
  const name = chosen === "en" ? "en" : "zh_CN";
  await api.chooseLocale(name);
  take({ ...me.value, locale: name });
}

export async function actFor(key: string): Promise<void> {
  context.agency = key;
  forgetChoices();
  forgetLand();
  forgetReportForm();
  take(await api.me());
  localStorage.setItem(AGENCY, key);
  mustChoose.value = false;
}

export async function signOut(): Promise<void> {
  try {
    await api.close();
  } catch (error) {
    if (statusOf(error) !== 401) throw error;
  }
  forget();
}

/** Drop what belongs to a session that has ended. */
export function forget(): void {
  me.value = null;
  context.csrf = null;
  mustChoose.value = false;
  forgetChoices();
  forgetLand();
  forgetReportForm();
  forgetAgency();
  localStorage.removeItem(HERE);
}

function forgetAgency(): void {
  context.agency = null;
  localStorage.removeItem(AGENCY);
}

function take(answer: Me): void {
  me.value = answer;
  useZone(answer.agency?.time_zone ?? null);
  if (answer.agency) {
    const here: Keeper = { username: answer.user.username, agency: answer.agency.key, zone: answer.agency.time_zone };
    localStorage.setItem(HERE, JSON.stringify(here));
  }
  context.csrf = answer.csrf_token;
  if (answer.agency === null && answer.agencies.length > 0) mustChoose.value = true;
  if (!remembered()) useLanguage(localeOf(answer.locale), { keep: false });
}

function statusOf(error: unknown): number | null {
  return typeof error === "object" && error !== null && "status" in error ? Number(error.status) : null;
}
