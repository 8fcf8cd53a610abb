/** Send kept drafts when the network is back: files first, each once, then the report or the step under its own key. */
import { computed, shallowRef } from "vue";
import { attachments, cases, NetworkFailure, Problem } from "@/api";
import { me } from "@/session";
import { type Draft, draftsOf, drop, keep } from "./store";

/** Everything kept on this device for the person signed in. */
export const drafts = shallowRef<Draft[]>([]);
export const waiting = computed(() => drafts.value.filter((one) => one.status === "waiting"));
export const sending = shallowRef(false);

/** Read again what is kept on this device for the person signed in. */
export async function refresh(): Promise<void> {
  drafts.value = me.value?.agency ? await draftsOf(me.value.user.username, me.value.agency.key) : [];
}

/** Send one draft; it is dropped only after the server has it. */
async function sendDraft(draft: Draft): Promise<void> {
  for (const file of draft.files.filter((one) => one.uuid === null)) {
    const stored = await attachments.add(file.blob, file.name, file.facts);
    file.uuid = stored.uuid;
    // Kept at once: a sent file is never sent again, and the body stays the same under its key.
    await keep(draft);
  }
  const names = new Map(draft.files.map((file) => [file.localId, file.uuid]));
  const data = named(draft.data, names);
  if (draft.step) await cases.move(draft.step.number, draft.step.verb, data, draft.step.version, draft.key);
  else await cases.report(data, draft.key);
  await drop(draft.id);
}

function named(value: unknown, names: ReadonlyMap<string, string | null>): unknown {
  if (typeof value === "string") return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((one) => named(one, names));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(inner, names)]));
  return value;
}

/** Send everything that waits, stop at the first sign that the network is still away; give the titles of what was sent. */
export async function sendWaiting(): Promise<string[]> {
  const sent: string[] = [];
  if (sending.value) return sent;
  sending.value = true;
  try {
    await refresh();
    for (const draft of waiting.value) {
      try {
        await sendDraft(draft);
        sent.push(draft.title);
      } catch (error) {
        if (error instanceof NetworkFailure) break;
        await note(draft, error);
      }
    }
  } finally {
    await refresh();
    sending.value = false;
  }
  return sent;
}

/** Keep why it was refused; a refusal that passes by itself is not held against it. */
async function note(draft: Draft, error: unknown): Promise<void> {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401 || error.status === 429 || error.status >= 500) return;
  await keep({ ...draft, status: "refused", reason: error.errors.map((one) => one.detail).join(" ") || error.document.detail });
}
