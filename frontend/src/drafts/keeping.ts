/** A form that survives: kept on this device soon after each change, and found again. */
import { onBeforeUnmount, onMounted, type ShallowRef, shallowRef, watch } from "vue";
import { newKey, type Me } from "@/api";
import { ruleData } from "@/form/data";
import type { FormState } from "@/form/form";
import type { Field, Values } from "@/form/plan";
import { keptUpload, uploadsIn, withFiles } from "@/form/uploads";
import { refresh } from "./sending";
import { type Draft, drop, find, keep, type StepOf } from "./store";

const PAUSE_MS = 200;

export interface Writing {
  id: string;
  title: string;
  step: StepOf | null;
}

/** Keep ``form`` as long as its screen stands; ``writing`` says what is being written. */
export function useKeeping(form: Readonly<ShallowRef<FormState | null>>, writer: Me | null, writing: () => Writing) {
  /** When the restored draft was last written; null when the form began empty. */
  const restoredAt = shallowRef<string | null>(null);
  // One key for one thing to be done, whatever happens on the way.
  let key = newKey();
  let fresh = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isKept = false;

  /** Read a draft back as the values of its form. */
  async function restore(id: string): Promise<Values> {
    clearTimeout(timer);
    timer = undefined;
    key = newKey();
    isKept = false;
    restoredAt.value = null;
    const draft = await find(id);
    // Somebody else's on the same device is nobody's business.
    if (!draft || draft.username !== writer?.user.username || draft.agency !== writer.agency?.key) return {};
    key = draft.key;
    isKept = true;
    restoredAt.value = draft.savedAt;
    const files = new Map(draft.files.flatMap((file) => {
      const upload = keptUpload(file);
      return [[file.localId, upload] as const, ...(file.uuid ? [[file.uuid, upload] as const] : [])];
    }));
    return withFiles(draft.data, files) as Values;
  }

  function isTouched(): boolean {
    return isKept || (form.value !== null && written(form.value) !== fresh);
  }

  async function save(status: Draft["status"]): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const filled = form.value;
    if (!filled || !writer?.agency) return;
    const { id, title, step } = writing();
    const files = uploadsIn(filled.values).flatMap((one) => (one.blob ? [{ localId: one.localId, name: one.name, blob: one.blob, facts: { ...one.facts }, uuid: one.uuid }] : []));
    isKept = true;
    const data = ruleData(filled.submission()) as Values;
    await keep({
      id, key, title, status, data, files, reason: "", username: writer.user.username, agency: writer.agency.key, savedAt: new Date().toISOString(),
      step: step && { ...step },
    });
    await refresh();
  }

  function flush(): void {
    if (timer === undefined) return;
    timer = undefined;
    if (isTouched()) void save("begun");
  }

  /** Forget the draft: it was sent, or is not wanted. */
  async function forget(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    isKept = false;
    restoredAt.value = null;
    await drop(writing().id);
    await refresh();
  }

  function renewKey(): string {
    key = newKey();
    return key;
  }

  watch(form, (now) => {
    if (now) fresh = restoredAt.value ? "" : written(now);
  });
  watch(
    () => form.value && JSON.stringify(ruleData(form.value.values)),
    (now, before) => {
      if (!now || !before) return;
      clearTimeout(timer);
      timer = setTimeout(flush, PAUSE_MS);
    },
  );
  onMounted(() => {
    // A phone hides a page before it ends it: the last moment at which writing still works.
    document.addEventListener("visibilitychange", flush);
  });
  onBeforeUnmount(() => {
    document.removeEventListener("visibilitychange", flush);
    flush();
  });

  return { restoredAt, restore, save, forget, isTouched, renewKey, key: () => key };
}

/** The values apart from positions: the device fills those in by itself. */
function written(form: FormState): string {
  const points = new Set(form.plan.fields.filter((field: Field) => field.type === "point").map((field) => field.id));
  return JSON.stringify(Object.entries(ruleData(form.values) as Values).filter(([id]) => !points.has(id)));
}
