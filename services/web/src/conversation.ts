/** What the person does -> requests, sound and page events. Holds what a state cannot: sockets, recordings, devices. */

import { SessionError, ask, type Question } from './session.ts';
import type { Asked, Failure, Hint, PageEvent, State, Turn } from './reducer.ts';
import { MicrophoneError, type Microphone, type Recording } from './voice/microphone.ts';
import type { Player } from './voice/player.ts';

const SHORTEST_PRESS_MS = 300;
const SHORTEST_RECORDING_SECONDS = 0.2;

export interface Store {
  get(): State;
  send(event: PageEvent): void;
}

/** A random identifier. Not crypto.randomUUID: a page over plain http from another host has none. */
export const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

interface Press {
  at: number;
  over: boolean;
  /** Tapped, not held: the next tap sends. */
  locked: boolean;
}

export class Talk {
  /** Told the loudness of the voice, 0 to 1, many times a second: not worth a state. */
  onLevel: (level: number) => void = () => undefined;
  /** Told of each recording that is made, and with null of each that is no longer needed. */
  onRecording: (turnId: string, wav: Blob | null) => void = () => undefined;
  /** By turn; each until its turn has an answer. */
  readonly recordings = new Map<string, Blob>();
  #store: Store;
  #player: Player;
  #microphone: Microphone;
  #runs = 0;
  #running: { run: number; controller: AbortController } | null = null;
  #mutedRun = 0;
  #press: Press | null = null;

  constructor(store: Store, player: Player, microphone: Microphone) {
    this.#store = store;
    this.#player = player;
    this.#microphone = microphone;
  }

  type(text: string): void {
    this.#store.send({ type: 'draft', text });
    this.#mutedRun = this.#runs;
    this.#player.flush();
  }

  sendText(): void {
    const text = this.#store.get().draft.trim();
    if (!text || !this.#store.get().conversation.agent) return;
    const { network, queueing } = this.#store.get();
    if (network === 'offline' && !queueing) return this.#hint('offline');
    this.#player.unlock();
    this.#discardRecording();
    this.#send({ id: newId(), key: newId(), kind: 'text', text });
  }

  /** Sends a turn again: same content, same key. It becomes the last of the conversation. */
  retry(id: string): void {
    const turn = this.#turn(id);
    if (!turn || turn.status === 'running') return;
    this.#player.unlock();
    this.stop();
    const run = this.#nextRun();
    this.#store.send({ type: 'turn.retried', run, id, at: Date.now() });
    void this.#run(run, turn);
  }

  /** By choice: it is sent when the network is back. */
  queue(id: string): void {
    const turn = this.#turn(id);
    if (!turn) return;
    this.#store.send({ type: 'turn.queued', turn, at: Date.now() });
    this.sendQueued();
  }

  withdraw(id: string): void {
    this.#store.send({ type: 'turn.withdrawn', id });
  }

  /** Sends the first turn that waits, where nothing stands in its way; the next one follows it. */
  sendQueued(): void {
    const { network, conversation, mic } = this.#store.get();
    const next = conversation.turns.find((turn) => turn.status === 'queued');
    if (!next || network !== 'online' || this.#running || mic !== 'idle') return;
    const run = this.#nextRun();
    this.#store.send({ type: 'turn.retried', run, id: next.id, at: Date.now() });
    void this.#run(run, next);
  }

  /** Puts the text of a turn back where it can be changed. */
  edit(id: string): void {
    const turn = this.#turn(id);
    if (turn) this.#store.send({ type: 'draft', text: [this.#store.get().draft, turn.text].filter(Boolean).join('\n') });
  }

  /** True where Retry has something to send: a recording does not outlive the page. */
  canRetry(turn: Turn): boolean {
    return turn.kind === 'text' || this.recordings.has(turn.id);
  }

  /** Ends whatever goes on: the recording, the turn, the sound. What was already received stays. */
  stop(): void {
    this.#discardRecording();
    this.#stopTurn();
  }

  /** Stop, by the person's will: what waits for its turn comes next. */
  halt(): void {
    this.stop();
    this.sendQueued();
  }

  chooseAgent(name: string): void {
    if (name === this.#store.get().conversation.agent) return;
    this.stop();
    this.#store.send({ type: 'agent.chosen', name, sessionId: newId() });
  }

  newConversation(hint: Hint = 'newConversation'): void {
    this.stop();
    this.#store.send({ type: 'conversation.started', sessionId: newId(), hint });
  }

  /** To be called in the gesture that starts speech. */
  async press(): Promise<void> {
    if (!this.#store.get().conversation.agent) return;
    this.#player.unlock();
    if (this.#press?.locked) return this.release();
    if (this.#press && this.#store.get().mic === 'closing') return this.#goOn();
    if (this.#press && !this.#press.over) return;
    this.#stopTurn();
    const press: Press = { at: Date.now(), over: false, locked: false };
    this.#press = press;
    this.#mic('opening');
    try {
      await this.#microphone.open();
      if (press !== this.#press) return;
      if (press.over) return this.#idle('ready');
      this.#record(press);
    } catch (error) {
      if (press === this.#press) this.#idle(error instanceof MicrophoneError ? error.problem : 'broken');
    }
  }

  /** The end of the press: what was said since is sent. */
  async release(): Promise<void> {
    this.#player.unlock(); // on touch screens this, and not the press, is the gesture that counts
    const press = this.#press;
    const { mic } = this.#store.get();
    if (!press || press.over || mic === 'closing') return;
    const short = Date.now() - press.at < SHORTEST_PRESS_MS;
    if (short && !press.locked) return this.#lock(press);
    if (mic === 'opening') return this.#releasedEarly(press);
    const recording = await this.#finish(press);
    if (!recording) return;
    if (recording.seconds < SHORTEST_RECORDING_SECONDS) return this.#idle('hold');
    this.#idle(null);
    this.#send(this.#voiceTurn(recording));
  }

  /** The press ended by no will of the person: nothing is sent, nothing is lost. */
  async interrupt(): Promise<void> {
    const press = this.#press;
    const { mic } = this.#store.get();
    if (!press || press.over || mic === 'closing') return;
    if (mic === 'opening') return this.#releasedEarly(press);
    const recording = await this.#finish(press);
    if (!recording) return;
    this.#idle(recording.seconds < SHORTEST_RECORDING_SECONDS * 2 ? 'hold' : null);
    if (recording.seconds < SHORTEST_RECORDING_SECONDS * 2) return;
    const failure: Failure = { code: 'interrupted', detail: '', retryable: true };
    this.#store.send({ type: 'turn.kept', turn: this.#voiceTurn(recording), failure, at: Date.now() });
  }

  /** Press and release in one, for those who cannot hold: a screen reader's click. */
  toggle(): void {
    if (this.#press && !this.#press.over) return void this.release();
    void this.press();
    if (this.#press) this.#lock(this.#press);
  }

  #record(press: Press): void {
    this.#microphone.start({
      heard: () => press === this.#press && this.#mic('listening'),
      level: (value) => this.onLevel(value),
      full: () => void this.release().then(() => this.#hint('longest')),
    });
  }

  #goOn(): void {
    this.#microphone.resume();
    this.#mic('listening');
  }

  async #finish(press: Press): Promise<Recording | null> {
    this.#mic('closing');
    const recording = await this.#microphone.finish();
    return press === this.#press ? recording : null;
  }

  #lock(press: Press): void {
    press.locked = true;
    press.at = Date.now();
    this.#store.send({ type: 'locked' });
  }

  #releasedEarly(press: Press): void {
    press.over = true; // a prompt may be open: `press` goes on when it is answered
    const asked = this.#microphone.recording;
    if (asked) this.#microphone.discard();
    if (asked) this.#press = null;
    this.#mic('idle');
    this.#hint(asked ? 'hold' : 'allow');
  }

  #drop(hint: Hint | null): void {
    this.#microphone.discard();
    this.#idle(hint);
  }

  #discardRecording(): void {
    if (this.#press) this.#drop(null);
  }

  #idle(hint: Hint | null): void {
    this.#press = null;
    this.onLevel(0);
    this.#mic('idle');
    if (hint) this.#hint(hint);
  }

  #mic(mic: State['mic']): void {
    this.#store.send({ type: 'mic', mic, at: Date.now() });
  }

  #hint(hint: Hint): void {
    this.#store.send({ type: 'hint', hint });
  }

  #voiceTurn({ wav, seconds }: Recording): Asked {
    const id = newId();
    this.recordings.set(id, wav);
    this.onRecording(id, wav);
    return { id, key: newId(), kind: 'voice', text: '', seconds };
  }

  #send(turn: Asked): void {
    const { network, queueing } = this.#store.get();
    if (network !== 'online' && queueing) return this.#store.send({ type: 'turn.queued', turn, at: Date.now() });
    this.#stopTurn();
    const run = this.#nextRun();
    this.#store.send({ type: 'turn.sent', run, turn, at: Date.now() });
    void this.#run(run, turn);
  }

  #nextRun(): number {
    this.#runs += 1;
    return this.#runs;
  }

  #stopTurn(): void {
    this.#running?.controller.abort();
    this.#running = null;
    this.#store.send({ type: 'turn.stopped' });
    this.#player.flush();
  }

  /** One attempt, from request to end. What arrives after another one began is dropped. */
  async #run(run: number, turn: Asked): Promise<void> {
    const controller = new AbortController();
    this.#running = { run, controller };
    const current = () => this.#running?.run === run;
    try {
      for await (const event of ask(this.#question(turn), controller.signal)) {
        if (!current()) return;
        if (event.type !== 'audio.delta') this.#store.send({ type: 'turn.event', run, event, at: Date.now() });
        else if (this.#mutedRun !== run && event.format === 'pcm_s16le_24000') this.#player.push(event.audio);
        if (event.type === 'turn.completed') this.#forget(turn.id);
      }
    } catch (error) {
      if (!current()) return;
      const failure = error instanceof SessionError ? error.failure : { code: 'internal', detail: '', retryable: true };
      this.#store.send({ type: 'turn.broke', run, failure });
    } finally {
      if (current()) this.#ended();
    }
  }

  #ended(): void {
    this.#running = null;
    this.#player.end();
    this.sendQueued();
  }

  #forget(id: string): void {
    if (this.recordings.delete(id)) this.onRecording(id, null);
  }

  #question(turn: Asked): Question {
    const { agent, sessionId, language } = this.#store.get().conversation;
    const content = turn.kind === 'text' ? turn.text : (this.recordings.get(turn.id) ?? new Blob());
    return { agent: agent ?? '', sessionId, language, key: turn.key, content };
  }

  #turn(id: string): Turn | undefined {
    return this.#store.get().conversation.turns.find((turn) => turn.id === id);
  }
}
