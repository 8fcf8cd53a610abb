/** From the values on the screen to the data that rules see and the server gets. */
import type { Field, Values } from "./plan";
import { isEmpty } from "./plan";
import { isUpload } from "./uploads";

/** Copy the values with every file as its name: the server's UUID, or our own until there is one. */
export function ruleData(value: unknown): unknown {
  if (isUpload(value)) return value.uuid ?? value.localId;
  if (Array.isArray(value)) return value.map(ruleData);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, ruleData(inner)]));
  }
  return value;
}

/** Keep what is visible and filled in; computed fields are the server's own to work out. */
export function submission(fields: readonly Field[], values: Values, isVisible: (path: string) => boolean, above = ""): Values {
  const data: Values = {};
  for (const field of fields) {
    const path = above + field.id;
    if (!isVisible(path) || field.type === "computed") continue;
    const value = part(field, values[field.id], isVisible, path);
    if (!isEmpty(value)) data[field.id] = value;
  }
  return data;
}

function part(field: Field, value: unknown, isVisible: (path: string) => boolean, path: string): unknown {
  if (field.type === "group") {
    const inner = submission(field.fields ?? [], (value ?? {}) as Values, isVisible, `${path}.`);
    return Object.keys(inner).length ? inner : null;
  }
  if (field.type === "repeat") {
    return ((value ?? []) as Values[]).map((row, index) => submission(field.fields ?? [], row, isVisible, `${path}[${index}].`));
  }
  return ruleData(value);
}
