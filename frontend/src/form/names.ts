/** The names behind stored codes and numbers, for reading. */
import { choices } from "@/api";
import { text } from "@/i18n";
import { wholeCatalogue } from "./lookup";
import { type Field, isEmpty, type Values } from "./plan";

let departments: Promise<Map<number, string>> | null = null;

/** Find the names of all values that are codes or numbers, by field id; one that is not found shows as it is stored. */
export async function namesFor(fields: readonly Field[], data: Values): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  await Promise.all(
    fields.map(async (field) => {
      const value = data[field.id];
      const name = isEmpty(value) ? null : await nameOf(field, value);
      if (name) names.set(field.id, name);
    }),
  );
  return names;
}

async function nameOf(field: Field, value: unknown): Promise<string | null> {
  if (field.type === "catalogue") {
    const item = (await wholeCatalogue(field.catalogue ?? "")).find((one) => one.code === value);
    return item ? `${text(item.title)} (${item.code})` : null;
  }
  if (field.type === "department") {
    departments ??= choices.departments("").then((all) => new Map(all.map((one) => [one.id, one.name])));
    return (await departments).get(Number(value)) ?? null;
  }
  return null;
}
