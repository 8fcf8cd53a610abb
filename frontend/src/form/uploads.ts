/** Files of a form: sent as soon as they are chosen, kept and sent again when that fails. */
import { reactive } from "vue";
import { attachments, NetworkFailure, newKey, type UploadFacts } from "@/api";
import { explain } from "@/errors";

export interface Upload {
  readonly isUpload: true;
  localId: string;
  name: string;
  type: string;
  size: number;
  /** Kept until it is sent; a draft read back from this device has it, a stored attachment does not. */
  blob: Blob | null;
  facts: UploadFacts;
  uuid: string | null;
  preview: string | null;
  state: "waiting" | "sending" | "sent" | "failed" | "refused";
  reason: string;
}

export function isUpload(value: unknown): value is Upload {
  return typeof value === "object" && value !== null && "isUpload" in value;
}

/** Take a chosen file in; it is not sent yet. */
export function newUpload(blob: Blob, name: string, facts: UploadFacts): Upload {
  return reactive({
    isUpload: true as const,
    localId: newKey(),
    name,
    type: blob.type,
    size: blob.size,
    blob,
    facts,
    uuid: null,
    preview: blob.type.startsWith("image/") || blob.type.startsWith("audio/") ? URL.createObjectURL(blob) : null,
    state: "waiting" as const,
    reason: "",
  });
}

/** A file kept on this device with a report, as it was. */
export function keptUpload(kept: { localId: string; name: string; blob: Blob; facts: UploadFacts; uuid: string | null }): Upload {
  const upload = newUpload(kept.blob, kept.name, kept.facts);
  return Object.assign(upload, { localId: kept.localId, uuid: kept.uuid, state: kept.uuid ? "sent" : "waiting" });
}

/** Put the files of kept values back in the place of their names. */
export function withFiles(value: unknown, files: ReadonlyMap<string, Upload>): unknown {
  if (typeof value === "string") return files.get(value) ?? value;
  if (Array.isArray(value)) return value.map((one) => withFiles(one, files));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withFiles(inner, files)]));
  return value;
}

const underway = new Map<string, Promise<void>>();

/** Send one file unless it is sent already; raise what the server or the network said. */
export async function sendUpload(upload: Upload): Promise<void> {
  if (upload.uuid) return;
  const running = underway.get(upload.localId);
  if (running) return running;
  const sending = transmit(upload).finally(() => underway.delete(upload.localId));
  underway.set(upload.localId, sending);
  return sending;
}

async function transmit(upload: Upload): Promise<void> {
  if (!upload.blob) throw new Error(`upload ${upload.localId} has no content`);
  upload.state = "sending";
  try {
    const stored = await attachments.add(upload.blob, upload.name, upload.facts);
    upload.uuid = stored.uuid;
    upload.state = "sent";
  } catch (error) {
    upload.state = error instanceof NetworkFailure ? "failed" : "refused";
    upload.reason = explain(error).detail;
    throw error;
  }
}

/** Every upload inside form values, however deep. */
export function uploadsIn(value: unknown): Upload[] {
  if (isUpload(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(uploadsIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(uploadsIn);
  return [];
}

/** Send whatever is not sent yet, one after another: a weak connection carries one file better than nine. */
export async function sendAll(values: unknown): Promise<void> {
  for (const upload of uploadsIn(values)) await sendUpload(upload);
}

/** Let go of the previews. */
export function release(values: unknown): void {
  for (const upload of uploadsIn(values)) if (upload.blob && upload.preview) URL.revokeObjectURL(upload.preview);
}
