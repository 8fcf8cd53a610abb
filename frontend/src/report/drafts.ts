/** Reports that could not be sent, kept in this device's own database with their photos. */
import type { UploadFacts } from "@/api";

export interface KeptFile {
  localId: string;
  name: string;
  blob: Blob;
  facts: UploadFacts;
  uuid: string | null;
}

export interface Draft {
  /** Also the idempotency key: however often it is sent, one case is born. */
  key: string;
  username: string;
  agency: string;
  title: string;
  savedAt: string;
  /** The form's data with local ids in the place of files not yet sent. */
  data: Record<string, unknown>;
  files: KeptFile[];
  /** Why the server refused it, when it did: sending it again unchanged is of no use. */
  refused: string | null;
}

const STORE = "drafts";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asking = indexedDB.open("wangge-reports", 1);
    asking.onupgradeneeded = () => asking.result.createObjectStore(STORE, { keyPath: "key" });
    asking.onsuccess = () => {
      resolve(asking.result);
    };
    asking.onerror = () => {
      reject(asking.error ?? new Error("no database"));
    };
  });
}

async function run<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = ask(transaction.objectStore(STORE));
      // Only a completed transaction is on the disk.
      transaction.oncomplete = () => {
        resolve(request.result);
      };
      transaction.onerror = transaction.onabort = () => {
        reject(transaction.error ?? new Error("not kept"));
      };
    });
  } finally {
    database.close();
  }
}

export async function keep(draft: Draft): Promise<void> {
  await run("readwrite", (store) => store.put(draft));
}

/** One draft, or nothing when it has been sent meanwhile. */
export async function find(key: string): Promise<Draft | null> {
  return (await run<Draft | undefined>("readonly", (store) => store.get(key) as IDBRequest<Draft | undefined>)) ?? null;
}

export async function drop(key: string): Promise<void> {
  await run("readwrite", (store) => store.delete(key));
}

/** The drafts of one person in one agency, oldest first; another's on the same device are not shown. */
export async function draftsOf(username: string, agency: string): Promise<Draft[]> {
  const all = await run<Draft[]>("readonly", (store) => store.getAll());
  return all.filter((draft) => draft.username === username && draft.agency === agency).sort((one, other) => one.savedAt.localeCompare(other.savedAt));
}
