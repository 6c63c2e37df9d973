/**
 * What travels between page and gateway: the events of a turn (talk_kit/events.py), the agents, the problems,
 * and the reader of an event stream.
 */

export type Stage = 'transcribing' | 'thinking' | 'speaking';
export type AudioFormat = 'pcm_s16le_24000' | 'mp3';

export type TurnEvent =
  | { type: 'turn.started'; turn_id: string; session_id: string; agent: string }
  | { type: 'stage'; stage: Stage }
  | { type: 'transcript'; text: string; final?: boolean }
  | { type: 'reply.delta'; text: string }
  | { type: 'tool.started'; call_id: string; name: string }
  | { type: 'tool.completed'; call_id: string; name: string; outcome: 'ok' | 'error' }
  | { type: 'audio.delta'; audio: string; format: AudioFormat }
  | { type: 'turn.completed'; reply: string; finish_reason?: 'stop' | 'length' | 'content_filter' }
  | { type: 'turn.failed'; code: string; detail: string; retryable: boolean; retry_after?: number };

export interface Agent {
  name: string;
  description: string;
  ready: boolean;
  /** Why it is not ready, in words for people. */
  reason?: string;
  voice: boolean;
  languages: string[];
}

/** Members that must be there, by type; a type that is not listed is of a later version and is passed over. */
const REQUIRED: Record<TurnEvent['type'], Record<string, 'string' | 'boolean'>> = {
  'turn.started': { session_id: 'string' },
  stage: { stage: 'string' },
  transcript: { text: 'string' },
  'reply.delta': { text: 'string' },
  'tool.started': { call_id: 'string', name: 'string' },
  'tool.completed': { call_id: 'string', name: 'string' },
  'audio.delta': { audio: 'string', format: 'string' },
  'turn.completed': { reply: 'string' },
  'turn.failed': { code: 'string', detail: 'string', retryable: 'boolean' },
};

export const EVENT_TYPES = Object.keys(REQUIRED);

export interface Message {
  event: string;
  data: string;
}

/** The stream is not what the contract says. */
export class MalformedStream extends Error {}

/** The event of a message, or null for a type that this version does not know. Throws MalformedStream. */
export function parseEvent(message: Message): TurnEvent | null {
  const required = Object.hasOwn(REQUIRED, message.event) ? REQUIRED[message.event as TurnEvent['type']] : undefined;
  if (!required) return null;
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    throw new MalformedStream(`${message.event}: not JSON`);
  }
  if (typeof data !== 'object' || data === null) throw new MalformedStream(`${message.event}: not an object`);
  const members = data as Record<string, unknown>;
  const wrong = Object.entries(required).find(([name, kind]) => typeof members[name] !== kind);
  if (wrong) throw new MalformedStream(`${message.event}: ${wrong[0]} is not a ${wrong[1]}`);
  return { ...members, type: message.event } as TurnEvent;
}

const LONGEST_MESSAGE = 8 * 1024 * 1024; // characters; a sentence of sound in base64 is about a fifth of it

/** Turns the bytes of an event stream, cut anywhere, into its messages. */
export class EventReader {
  #decoder = new TextDecoder('utf-8');
  #line = '';
  #data: string[] = [];
  #event = '';
  #size = 0;
  #afterReturn = false;

  /** The messages that these bytes complete. Throws MalformedStream when one grows beyond all bounds. */
  push(bytes: Uint8Array): Message[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#afterReturn = text === '' ? false : text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop() ?? '';
    const messages: Message[] = [];
    for (const line of lines) {
      this.#endLine(this.#line + line, messages);
      this.#line = '';
    }
    this.#line += rest;
    if (this.#size + this.#line.length > LONGEST_MESSAGE) throw new MalformedStream('a message is too long');
    return messages;
  }

  #endLine(line: string, messages: Message[]): void {
    if (line === '') return this.#dispatch(messages);
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment: the server shows that it lives
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    this.#size += value.length;
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
  }

  #dispatch(messages: Message[]): void {
    if (this.#data.length > 0) messages.push({ event: this.#event || 'message', data: this.#data.join('\n') });
    this.#event = '';
    this.#data = [];
    this.#size = 0;
  }
}
