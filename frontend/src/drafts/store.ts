/** What is being filled in, or waits to be sent, kept in this device's own database with its photos. */
import type { UploadFacts } from "@/api";

export interface KeptFile {
  localId: string;
  name: string;
  blob: Blob;
  facts: UploadFacts;
  uuid: string | null;
}

/** The step of a case that a draft is for. */
export interface StepOf {
  number: string;
  verb: string;
  version: number;
}

export interface Draft {
  /** Its place on this device: a report's own, or one for each step of a case. */
  id: string;
  /** The idempotency key: however often it is sent, it takes effect once. */
  key: string;
  username: string;
  agency: string;
  title: string;
  savedAt: string;
  /** Null for a new report. */
  step: StepOf | null;
  /** Begun: its writer goes on. Waiting: complete, sent when the network is back. Refused: sending it unchanged is of no use. */
  status: "begun" | "waiting" | "refused";
  /** Why the server refused it. */
  reason: string;
  /** The form's data with local ids in the place of files not yet sent. */
  data: Record<string, unknown>;
  files: KeptFile[];
}

interface Stored extends Omit<Draft, "files"> {
  files: Omit<KeptFile, "blob">[];
}

const DRAFTS = "drafts";
// Contents have a store of their own: a draft is written at every pause in typing, a photo once.
const BLOBS = "blobs";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asking = indexedDB.open("wangge-drafts", 1);
    asking.onupgradeneeded = () => {
      asking.result.createObjectStore(DRAFTS, { keyPath: "id" });
      asking.result.createObjectStore(BLOBS);
    };
    asking.onsuccess = () => {
      resolve(asking.result);
    };
    asking.onerror = () => {
      reject(asking.error ?? new Error("no database"));
    };
  });
}

type Stores = { drafts: IDBObjectStore; blobs: IDBObjectStore };

/** Work in one transaction; what ``ask`` gives is read when it is complete, for only then is it on the disk. */
async function within<T>(mode: IDBTransactionMode, ask: (stores: Stores) => () => T): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction([DRAFTS, BLOBS], mode);
      const result = ask({ drafts: transaction.objectStore(DRAFTS), blobs: transaction.objectStore(BLOBS) });
      transaction.oncomplete = () => {
        resolve(result());
      };
      transaction.onerror = transaction.onabort = () => {
        reject(transaction.error ?? new Error("not kept"));
      };
    });
  } finally {
    database.close();
  }
}

/** Write a draft over what it was; contents of files that left it go. */
export async function keep(draft: Draft): Promise<void> {
  const stored: Stored = { ...draft, files: draft.files.map(({ localId, name, facts, uuid }) => ({ localId, name, facts, uuid })) };
  await within("readwrite", ({ drafts, blobs }) => {
    const asking = drafts.get(draft.id) as IDBRequest<Stored | undefined>;
    asking.onsuccess = () => {
      const gone = new Set(asking.result?.files.map((file) => file.localId));
      for (const file of draft.files) if (!gone.delete(file.localId)) blobs.put(file.blob, file.localId);
      for (const localId of gone) blobs.delete(localId);
      drafts.put(stored);
    };
    return () => undefined;
  });
}

/** Give drafts their files back. */
function whole(blobs: IDBObjectStore, found: readonly Stored[]): () => Draft[] {
  const contents = new Map<string, Blob>();
  for (const { localId } of found.flatMap((draft) => draft.files)) {
    const asking = blobs.get(localId) as IDBRequest<Blob>;
    asking.onsuccess = () => contents.set(localId, asking.result);
  }
  return () => found.map((draft) => ({ ...draft, files: draft.files.map((file) => ({ ...file, blob: contents.get(file.localId) ?? new Blob() })) }));
}

/** One draft, or nothing when there is none or it has been sent meanwhile. */
export async function find(id: string): Promise<Draft | null> {
  return within("readonly", ({ drafts, blobs }) => {
    let read: () => Draft[] = () => [];
    const asking = drafts.get(id) as IDBRequest<Stored | undefined>;
    asking.onsuccess = () => {
      if (asking.result) read = whole(blobs, [asking.result]);
    };
    return () => read()[0] ?? null;
  });
}

export async function drop(id: string): Promise<void> {
  await within("readwrite", ({ drafts, blobs }) => {
    const asking = drafts.get(id) as IDBRequest<Stored | undefined>;
    asking.onsuccess = () => {
      for (const file of asking.result?.files ?? []) blobs.delete(file.localId);
      drafts.delete(id);
    };
    return () => undefined;
  });
}

/** The drafts of one person in one agency, oldest first; another's on the same device are not shown. */
export async function draftsOf(username: string, agency: string): Promise<Draft[]> {
  return within("readonly", ({ drafts, blobs }) => {
    let read: () => Draft[] = () => [];
    const asking = drafts.getAll() as IDBRequest<Stored[]>;
    asking.onsuccess = () => {
      read = whole(blobs, asking.result.filter((draft) => draft.username === username && draft.agency === agency));
    };
    return () => read().sort((one, other) => one.savedAt.localeCompare(other.savedAt));
  });
}
