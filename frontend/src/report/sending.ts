/** Send kept reports when the network is back: files first, each once, then the report under its own key. */
import { shallowRef } from "vue";
import { attachments, cases, NetworkFailure, Problem, type NewCase } from "@/api";
import { me } from "@/session";
import { type Draft, draftsOf, drop, keep } from "./drafts";

export const waiting = shallowRef<Draft[]>([]);
export const sending = shallowRef(false);

/** Read again what waits on this device for the person signed in. */
export async function refresh(): Promise<void> {
  waiting.value = me.value?.agency ? await draftsOf(me.value.user.username, me.value.agency.key) : [];
}

/** Send one draft; it is dropped only after the server has it. */
export async function sendDraft(draft: Draft): Promise<NewCase> {
  for (const file of draft.files.filter((one) => one.uuid === null)) {
    const stored = await attachments.add(file.blob, file.name, file.facts);
    file.uuid = stored.uuid;
    // Kept at once: a sent file is never sent again, and the body of the report stays the same under its key.
    await keep(draft);
  }
  const names = new Map(draft.files.map((file) => [file.localId, file.uuid]));
  const born = await cases.report(named(draft.data, names), draft.key);
  await drop(draft.key);
  return born;
}

function named(value: unknown, names: ReadonlyMap<string, string | null>): unknown {
  if (typeof value === "string") return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((one) => named(one, names));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(inner, names)]));
  return value;
}

/** Send everything that waits; stop at the first sign that the network is still away. */
export async function sendWaiting(): Promise<void> {
  if (sending.value) return;
  sending.value = true;
  try {
    await refresh();
    for (const draft of waiting.value.filter((one) => one.refused === null)) {
      try {
        await sendDraft(draft);
      } catch (error) {
        if (error instanceof NetworkFailure) return;
        await note(draft, error);
      }
    }
  } finally {
    await refresh();
    sending.value = false;
  }
}

/** Keep why it was refused; a refusal that passes by itself is not held against it. */
async function note(draft: Draft, error: unknown): Promise<void> {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401 || error.status === 429 || error.status >= 500) return;
  await keep({ ...draft, refused: error.errors.map((one) => one.detail).join(" ") || error.document.detail });
}
