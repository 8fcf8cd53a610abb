/** Where the choices of a lookup field come from: catalogue, grids, people, departments, records of a ledger. */
import { choices, definitions, grids, type CatalogueItem, type DepartmentChoice } from "@/api";
import { text } from "@/i18n";
import type { Field } from "./plan";

export interface Choice {
  value: string | number;
  label: string;
  /** A second line: the code, or the classes above. */
  note: string;
  /** Code of the class above, for catalogues. */
  parent: string | null;
}

/** Give the choices that fit what was typed. */
export async function lookUp(field: Field, typed: string): Promise<Choice[]> {
  switch (field.type) {
    case "catalogue":
      return fromCatalogue(field, typed);
    case "grid":
      return (await grids.search(typed, field.scheme, field.level)).map((grid) => choice(grid.code, grid.name, grid.code));
    case "department":
      return (await allDepartments()).filter((one) => holds(typed, one.name, one.code)).map((one) => choice(one.id, one.name, one.code));
    case "person":
      return (await choices.people(typed)).map((one) => choice(one.id, one.name, one.username));
    case "record":
      return (await choices.records(field.ledger ?? "", typed)).map((one) => choice(one.uuid, one.title, one.code));
    default:
      throw new Error(`${field.type} is no lookup field`);
  }
}

function choice(value: string | number, label: string, note: string, parent: string | null = null): Choice {
  return { value, label, note, parent };
}

async function fromCatalogue(field: Field, typed: string): Promise<Choice[]> {
  const items = await wholeCatalogue(field.catalogue ?? "");
  const above = new Map(items.map((item) => [item.code, item]));
  const parents = new Set(items.map((item) => item.parent));
  const wanted = field.level === "any" ? items : items.filter((item) => !parents.has(item.code));
  return wanted
    .filter((item) => holds(typed, item.code, ...Object.values(titles(item))))
    .map((item) => choice(item.code, text(item.title), [text(above.get(item.parent ?? "")?.title), item.code].filter(Boolean).join(" · "), item.parent ?? null));
}

function titles(item: CatalogueItem): Record<string, string> {
  return typeof item.title === "string" ? { any: item.title } : (item.title as Record<string, string>);
}

function holds(typed: string, ...words: string[]): boolean {
  const part = typed.trim().toLowerCase();
  return !part || words.some((one) => one.toLowerCase().includes(part));
}

let departments: Promise<DepartmentChoice[]> | null = null;

/** The departments are read whole, once a session. */
export function allDepartments(): Promise<DepartmentChoice[]> {
  departments ??= choices.departments().catch((error: unknown) => {
    departments = null;
    throw error;
  });
  return departments;
}

/** Forget what belongs to the agency acted for until now. */
export function forgetChoices(): void {
  departments = null;
  catalogues.clear();
}

const catalogues = new Map<string, Promise<CatalogueItem[]>>();

/** A catalogue is read whole, once a session: searching it needs no network, and a phone may lose it. */
export function wholeCatalogue(key: string): Promise<CatalogueItem[]> {
  const known = catalogues.get(key);
  if (known) return known;
  const loading = definitions.catalogue(key).catch((error: unknown) => {
    catalogues.delete(key);
    throw error;
  });
  catalogues.set(key, loading);
  return loading;
}
