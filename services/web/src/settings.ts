/** What a person chooses once: the language of the page, the microphone, the key. */

import type { Store } from './conversation.ts';
import { useKey } from './session.ts';
import { recall, remember } from './storage.ts';
import { LOCALES, localeOf, speak, strings, type Locale } from './strings.ts';
import { listMicrophones, type Microphone } from './voice/microphone.ts';

export class Settings {
  /** Told when there may be another answer to who the person is. */
  onSignIn: () => void = () => undefined;
  #store: Store;
  #microphone: Microphone;

  constructor(store: Store, microphone: Microphone) {
    this.#store = store;
    this.#microphone = microphone;
  }

  /** Takes up what was chosen before. */
  async start(): Promise<void> {
    const kept = recall('locale') as Locale;
    this.#microphone.device = recall('microphone');
    this.#microphone.onDevices = () => void this.#listMicrophones();
    navigator.mediaDevices?.addEventListener?.('devicechange', () => void this.#listMicrophones());
    const key = recall('key');
    useKey(key);
    if (key) this.#store.send({ type: 'sign', signIn: 'done' });
    await this.#speak(LOCALES.includes(kept) ? kept : localeOf(navigator.languages));
    void this.#listMicrophones();
  }

  async chooseLocale(locale: Locale): Promise<void> {
    remember('locale', locale);
    await this.#speak(locale);
  }

  chooseMicrophone(id: string): void {
    remember('microphone', id);
    this.#microphone.device = id;
    this.#microphone.close(); // the next press opens the chosen one
    void this.#listMicrophones();
  }

  /** `keep`: until the tab is closed; otherwise until the page is left. Never in a URL. */
  signIn(key: string, keep: boolean): void {
    useKey(key);
    remember('key', keep ? key : '');
    this.#store.send({ type: 'sign', signIn: 'done' });
    this.onSignIn();
  }

  signOut(): void {
    useKey('');
    remember('key', '');
    this.#store.send({ type: 'sign', signIn: 'needed' });
    this.onSignIn();
  }

  async #speak(locale: Locale): Promise<void> {
    try {
      await speak(locale);
    } catch {
      return; // its words could not be fetched: the page goes on in the language it has
    }
    Object.assign(document.documentElement, { lang: locale, dir: strings.direction });
    this.#store.send({ type: 'locale', locale });
  }

  async #listMicrophones(): Promise<void> {
    this.#store.send({ type: 'microphones', list: await listMicrophones(), chosen: this.#microphone.device });
  }
}
