/** Lists of the plugin that the screens offer: case classes and states. */
import { definitions, type StateInfo } from "@/api";
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

let states: Promise<StateInfo[]> | null = null;

/** The states of a case in the order of the loop. */
export function statesInOrder(): Promise<StateInfo[]> {
  states ??= definitions.states().catch((error: unknown) => {
    states = null;
    throw error;
  });
  return states;
}
