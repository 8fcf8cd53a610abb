/** The names behind stored codes and numbers, for reading. */
import { text } from "@/i18n";
import { allDepartments, wholeCatalogue } from "./lookup";
import { type Field, isEmpty, type Values } from "./plan";

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
    return (await allDepartments()).find((one) => one.id === value)?.name ?? null;
  }
  return null;
}
