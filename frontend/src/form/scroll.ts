/** Bring the first wrong field before the reader's eyes. */
export function scrollToFirst(within: ParentNode = document): void {
  const wrong = within.querySelector<HTMLElement>(".wrong[data-field]");
  if (!wrong) return;
  wrong.scrollIntoView({ block: "start", behavior: "smooth" });
  wrong.querySelector<HTMLElement>("input, textarea, button, [tabindex]")?.focus({ preventScroll: true });
}
