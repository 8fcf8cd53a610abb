/** Whether the screen is a phone's, kept up to date as it is turned or the window drawn. */
import { onScopeDispose, shallowRef, type ShallowRef } from "vue";

export function useIsPhone(): ShallowRef<boolean> {
  const query = matchMedia("(max-width: 767px)");
  const is = shallowRef(query.matches);
  const look = (): void => {
    is.value = query.matches;
  };
  query.addEventListener("change", look);
  onScopeDispose(() => {
    query.removeEventListener("change", look);
  });
  return is;
}
