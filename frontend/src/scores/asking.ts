/** One thing asked of the server at a time: what is shown, whether it is awaited, and what went wrong. */
import { shallowRef, type ShallowRef } from "vue";

export interface Asking<T> {
  found: ShallowRef<T | null>;
  failure: ShallowRef<unknown>;
  busy: ShallowRef<boolean>;
  /** Ask; an answer that comes after another question was asked is dropped. */
  ask: (question: (signal: AbortSignal) => Promise<T>) => Promise<void>;
}

/** What was found stays on the screen while the next answer is awaited, unless it is cleared. */
export function useAsking<T>(): Asking<T> {
  const found = shallowRef<T | null>(null);
  const failure = shallowRef<unknown>(null);
  const busy = shallowRef(false);
  let asking: AbortController | null = null;

  async function ask(question: (signal: AbortSignal) => Promise<T>): Promise<void> {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    busy.value = true;
    failure.value = null;
    try {
      const answer = await question(mine.signal);
      if (!mine.signal.aborted) found.value = answer;
    } catch (error) {
      if (!mine.signal.aborted) failure.value = error;
    } finally {
      if (asking === mine) busy.value = false;
    }
  }

  return { found, failure, busy, ask };
}
