/** The conversations that this device keeps, in IndexedDB; in memory where there is none. */

import { MOST_KEPT, merged, sorted } from './history.ts';
import type { Conversation } from './reducer.ts';

const NAME = 'talk';
const VERSION = 1;
const OPENING_MS = 3_000; // some private modes never answer

/** The sound of a turn that has no answer yet. */
interface Recording {
  id: string;
  conversation: string;
  wav: Blob;
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('storage'));
  });

export class Library {
  #db: IDBDatabase | null;
  #memory: Conversation[] = [];

  private constructor(db: IDBDatabase | null) {
    this.#db = db;
    db?.addEventListener('versionchange', () => db.close()); // a later page, in another tab
  }

  static async open(): Promise<Library> {
    return new Library(await openDatabase().catch(() => null));
  }

  /** Whether anything outlives the page. */
  get kept(): boolean {
    return this.#db !== null;
  }

  /** Newest first. */
  async all(): Promise<Conversation[]> {
    return sorted((await this.#try((db) => done<Conversation[]>(read(db, 'conversations').getAll()))) ?? this.#memory);
  }

  async recordings(): Promise<Recording[]> {
    return (await this.#try((db) => done<Recording[]>(read(db, 'recordings').getAll()))) ?? [];
  }

  /** Keeps it together with what another tab kept of it meanwhile, and returns that. */
  async save(mine: Conversation): Promise<Conversation> {
    return (await this.#try((db) => saveIn(db, mine))) ?? this.#saveInMemory(mine);
  }

  async remove(ids: string[]): Promise<void> {
    this.#memory = this.#memory.filter(({ id }) => !ids.includes(id));
    await this.#try((db) => removeFrom(db.transaction(['conversations', 'recordings'], 'readwrite'), ids));
  }

  async keepRecording(recording: Recording): Promise<void> {
    await this.#try((db) => done(write(db, 'recordings').put(recording)));
  }

  async forgetRecording(id: string): Promise<void> {
    await this.#try((db) => done(write(db, 'recordings').delete(id)));
  }

  /** Storage can end at any time (full, cleared, evicted): from then on there is memory. */
  async #try<T>(use: (db: IDBDatabase) => Promise<T>): Promise<T | null> {
    if (!this.#db) return null;
    try {
      return await use(this.#db);
    } catch {
      this.#db = null;
      return null;
    }
  }

  #saveInMemory(mine: Conversation): Conversation {
    this.#memory = sorted([mine, ...this.#memory.filter(({ id }) => id !== mine.id)]);
    return mine;
  }
}

const read = (db: IDBDatabase, store: string) => db.transaction(store).objectStore(store);
const write = (db: IDBDatabase, store: string) => db.transaction(store, 'readwrite').objectStore(store);

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    setTimeout(reject, OPENING_MS);
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('conversations', { keyPath: 'id' });
      request.result.createObjectStore('recordings', { keyPath: 'id' });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(new Error('storage'));
  });
}

/** Read and written in one transaction, so that no tab undoes what another one kept. */
async function saveIn(db: IDBDatabase, mine: Conversation): Promise<Conversation> {
  const transaction = db.transaction(['conversations', 'recordings'], 'readwrite');
  const store = transaction.objectStore('conversations');
  const known = await done<Conversation | undefined>(store.get(mine.id));
  const both = known ? merged(mine, known) : mine;
  await done(store.put(both));
  if ((await done(store.count())) > MOST_KEPT) {
    const all = await done<Conversation[]>(store.getAll());
    const keep = new Set(sorted(all).map(({ id }) => id));
    await removeFrom(transaction, all.map(({ id }) => id).filter((id) => !keep.has(id)));
  }
  return both;
}

async function removeFrom(transaction: IDBTransaction, ids: string[]): Promise<void> {
  for (const id of ids) transaction.objectStore('conversations').delete(id);
  const store = transaction.objectStore('recordings');
  for (const { id, conversation } of await done<Recording[]>(store.getAll())) if (ids.includes(conversation)) store.delete(id);
}
