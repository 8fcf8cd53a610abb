/** The case classes, both catalogues together, named in the reader's language. */
import { wholeCatalogue } from "@/form/lookup";
import { text } from "@/i18n";

export const CLASS_CATALOGUES = ["urban_mgmt.components", "urban_mgmt.events"] as const;

export interface ClassOption {
  code: string;
  label: string;
}

/** Every class a case can have: the lowest level only. */
export async function classes(): Promise<ClassOption[]> {
  const items = (await Promise.all(CLASS_CATALOGUES.map(wholeCatalogue))).flat();
  const parents = new Set(items.map((item) => item.parent));
  return items.filter((item) => !parents.has(item.code)).map((item) => ({ code: item.code, label: `${text(item.title)} ${item.code}` }));
}
