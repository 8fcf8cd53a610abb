/** The names behind stored codes and numbers, for reading. */
import { choices, Problem } from "@/api";
import { text } from "@/i18n";
import { me } from "@/session";
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
    const known = departments.get(Number(value));
    if (known) return known;
    return (await allDepartments()).find((one) => one.id === value)?.name ?? null;
  }
  if (field.type === "person") return nameOfPerson(Number(value));
  return null;
}

const departments = new Map<number, string>();

/** Learn names that came with a case: whoever works on the ground may see no list of departments. */
export function rememberDepartments(names: Readonly<Record<string, string>>): void {
  for (const [id, name] of Object.entries(names)) departments.set(Number(id), name);
}

const people = new Map<number, Promise<string>>();

/** Learn names that came with what is shown: they are for its reader, whatever rights he holds. */
export function rememberPeople(names: Readonly<Record<string, string>>): void {
  for (const [id, name] of Object.entries(names)) people.set(Number(id), Promise.resolve(name));
}

/** The name of a colleague, for whoever may see colleagues; the number alone for everybody else. */
function nameOfPerson(id: number): Promise<string> {
  const number = `#${id}`;
  const known = people.get(id);
  if (known) return known;
  if (!me.value?.rights.includes("accounts:member:read")) return Promise.resolve(number);
  const asking = choices.person(id).then(
    (found) => found.name,
    (error: unknown) => {
      people.delete(id);
      if (error instanceof Problem && error.status === 404) return number;
      throw error;
    },
  );
  people.set(id, asking);
  return asking;
}
