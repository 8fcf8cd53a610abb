/** Between an instant with its zone and the wall clock of a picker. */

/** Write an instant as the wall clock here shows it: 2026-11-23T08:30. */
export function localWriting(at: Date): string {
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Read a wall clock here as an instant with its zone. */
export function toInstant(written: string): string {
  return new Date(written).toISOString();
}
