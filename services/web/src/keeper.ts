/** Carries conversations between the page, this device and the other tabs. */

import { merged, restored, sorted } from './history.ts';
import { Library } from './library.ts';
import type { Store, Talk } from './conversation.ts';
import type { Conversation, State } from './reducer.ts';
import { recall, remember } from './storage.ts';

const PACE_MS = 500; // between two savings of an answer that is being written

type Notice = { saved: string } | { removed: string[] };

export class Keeper {
  #store: Store;
  #talk: Talk;
  #library: Promise<Library>;
  #tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel('talk') : null;
  /** The conversation as it was last kept or taken over. */
  #saved: Conversation | null = null;
  /** The conversation that a reload of this tab opens; null until the one before this load is found. */
  #shown: string | null = null;
  readonly #gone = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store, talk: Talk) {
    this.#store = store;
    this.#talk = talk;
    this.#library = Library.open();
    if (this.#tabs) this.#tabs.onmessage = ({ data }: MessageEvent<Notice>) => void this.#onNotice(data);
  }

  /** What this device knows, and the conversation that this tab had before a reload. */
  async start(): Promise<void> {
    const library = await this.#library;
    for (const { id, wav } of await library.recordings()) this.#talk.recordings.set(id, wav);
    this.#talk.onRecording = (id, wav) => void this.#recorded(id, wav);
    await this.#refresh();
    const { conversation } = this.#store.get();
    if (conversation.turns.length === 0) this.open(recall('conversation'));
    this.#shown = '';
    this.#rememberShown(this.#store.get().conversation);
    addEventListener('pagehide', () => void this.#save());
  }

  /** To be told of every change of the state. */
  changed(before: State, now: State): void {
    const { conversation } = now;
    if (now.draft !== before.draft) remember('draft', now.draft);
    this.#rememberShown(conversation);
    if (conversation === before.conversation || conversation === this.#saved) return;
    if (!now.active) return void this.#save();
    this.#timer ??= setTimeout(() => void this.#save(), PACE_MS);
  }

  open(id: string): void {
    const known = this.#store.get().library.find((one) => one.id === id);
    if (!known || known.id === this.#store.get().conversation.id) return;
    this.#talk.stop();
    this.#saved = restored(known);
    this.#store.send({ type: 'conversation.opened', conversation: this.#saved });
    this.#talk.sendQueued();
  }

  async remove(ids: string[]): Promise<void> {
    this.#leave(ids, 'newConversation');
    await (await this.#library).remove(ids);
    this.#tabs?.postMessage({ removed: ids } satisfies Notice);
    await this.#refresh();
  }

  async clear(): Promise<void> {
    const { library, conversation } = this.#store.get();
    await this.remove([...library.map(({ id }) => id), conversation.id]);
    this.#talk.recordings.clear();
    this.#store.send({ type: 'hint', hint: 'cleared' });
  }

  /** So that a reload, and only of this tab, finds it again. */
  #rememberShown({ id, turns }: Conversation): void {
    const shown = turns.length > 0 ? id : '';
    if (this.#shown === null || shown === this.#shown) return;
    this.#shown = shown;
    remember('conversation', shown);
  }

  async #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { conversation } = this.#store.get();
    if (conversation === this.#saved || conversation.turns.length === 0 || this.#gone.has(conversation.id)) return;
    this.#saved = conversation;
    const library = await this.#library;
    const both = await library.save(conversation);
    this.#tabs?.postMessage({ saved: conversation.id } satisfies Notice);
    const others = this.#store.get().library.filter(({ id }) => id !== both.id);
    this.#store.send({ type: 'library', list: sorted([both, ...others]), kept: library.kept });
    this.#takeOver(both);
  }

  /** What another tab added to the conversation on show. */
  #takeOver(other: Conversation): void {
    const { conversation } = this.#store.get();
    if (conversation.id !== other.id || other.turns.every((turn) => conversation.turns.some((own) => sameTurn(own, turn)))) return;
    const both = merged(conversation, other);
    this.#saved = both;
    this.#store.send({ type: 'conversation.merged', conversation: both });
  }

  async #onNotice(notice: Notice): Promise<void> {
    if ('removed' in notice) this.#leave(notice.removed, 'removed');
    await this.#refresh();
    const { library, conversation } = this.#store.get();
    const other = library.find(({ id }) => id === conversation.id);
    if (other && 'saved' in notice) this.#takeOver(other);
  }

  async #refresh(): Promise<void> {
    const library = await this.#library;
    this.#store.send({ type: 'library', list: await library.all(), kept: library.kept });
  }

  #leave(ids: string[], hint: 'newConversation' | 'removed'): void {
    const { conversation } = this.#store.get();
    for (const id of ids) this.#gone.add(id); // a late saving must not bring them back
    if (ids.includes(conversation.id) && conversation.turns.length > 0) this.#talk.newConversation(hint);
  }

  async #recorded(id: string, wav: Blob | null): Promise<void> {
    const library = await this.#library;
    const conversation = this.#store.get().conversation.id;
    await (wav ? library.keepRecording({ id, conversation, wav }) : library.forgetRecording(id));
  }
}

const sameTurn = (a: Conversation['turns'][number], b: typeof a): boolean => a.id === b.id && (a.at > b.at || (a.at === b.at && a.status === b.status));
