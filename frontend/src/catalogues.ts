/** The case classes, loaded once a session and named in the reader's language. */
import { definitions, type CatalogueItem } from "@/api";
import { text } from "@/i18n";

export const CLASS_CATALOGUES = ["urban_mgmt.components", "urban_mgmt.events"] as const;

export interface ClassOption {
  code: string;
  label: string;
}

let loading: Promise<CatalogueItem[]> | null = null;

/** Every class a case can have, both catalogues together. */
export async function classes(): Promise<ClassOption[]> {
  loading ??= loadAll().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return (await loading).map((item) => ({ code: item.code, label: `${text(item.title)} ${item.code}` }));
}

async function loadAll(): Promise<CatalogueItem[]> {
  const lists = await Promise.all(CLASS_CATALOGUES.map((key) => definitions.catalogue(key)));
  return lists.flat();
}
