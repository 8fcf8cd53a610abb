/** Files that need the acting agency's name to be read: their content as addresses of this page. */
import { onScopeDispose, shallowReactive, watch } from "vue";
import { attachments, context } from "@/api";

/** Give for each server address the one to show; it arrives when the content has. */
export function useContent(urls: () => readonly string[]): (url: string) => string | undefined {
  const shown = shallowReactive(new Map<string, string>());

  async function load(url: string): Promise<void> {
    try {
      shown.set(url, URL.createObjectURL(await attachments.content(url)));
    } catch (error) {
      // One picture that cannot be had leaves its frame empty; the page stands.
      console.error(error);
    }
  }

  watch(
    urls,
    (wanted) => {
      // At home the session alone says for whom one acts.
      if (context.agency) for (const url of wanted) if (!shown.has(url)) void load(url);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    for (const url of shown.values()) URL.revokeObjectURL(url);
  });
  return (url) => (context.agency ? shown.get(url) : url);
}
