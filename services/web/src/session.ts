/** The page's only door to the gateway: fetch and its event streams, with a bound on every wait. */

import type { Failure } from './reducer.ts';
import { EventReader, MalformedStream, parseEvent, type Agent, type TurnEvent } from './wire.ts';

/** To the first word of a reply, and then from word to word; the gateway's own deadline for a run is as long. */
export const PATIENCE_MS = 60_000;
const DIRECTORY_PATIENCE_MS = 10_000;
const DRAIN_MS = 5_000;

export interface Question {
  agent: string;
  sessionId: string;
  /** BCP-47 tag of the speech; null leaves it to the agent. */
  language: string | null;
  /** Idempotency-Key of the turn: the same for each attempt. */
  key: string;
  /** Text to send, or a recording. */
  content: string | Blob;
}

/** A turn or a request ended badly; `failure` says how. */
export class SessionError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.code);
    this.failure = failure;
  }
}

const failed = (code: string, detail: string, retryable = true): SessionError =>
  new SessionError({ code, detail, retryable });

let apiKey = '';

/** Every request carries this key from now on, in its header; '' is none. */
export function useKey(key: string): void {
  apiKey = key;
}

const authorization = (): Record<string, string> => (apiKey ? { Authorization: `Bearer ${apiKey}` } : {});

/** The agents there are. Throws SessionError. */
export async function listAgents(): Promise<Agent[]> {
  const patience = new Patience(DIRECTORY_PATIENCE_MS);
  try {
    const response = await fetch('/v1/agents', { signal: patience.signal, headers: { ...authorization(), Accept: 'application/json' } });
    if (!response.ok) throw await problemOf(response);
    const body = (await response.json()) as { agents?: Partial<Agent>[] };
    return (body.agents ?? []).map(readAgent);
  } catch (error) {
    throw translate(error, patience);
  } finally {
    patience.end();
  }
}

/** The events of one turn, to its end. Throws SessionError; AbortError when `signal` says stop. */
export async function* ask(question: Question, signal: AbortSignal): AsyncGenerator<TurnEvent> {
  const patience = new Patience(PATIENCE_MS, signal);
  try {
    const response = await fetch(urlOf(question), { ...requestOf(question), signal: patience.signal });
    if (!response.ok) throw await problemOf(response);
    yield* eventsOf(response, patience);
  } catch (error) {
    if (signal.aborted) throw new DOMException('stopped', 'AbortError');
    throw translate(error, patience);
  } finally {
    patience.end();
  }
}

function urlOf({ agent, language, content }: Question): string {
  if (typeof content === 'string') return '/v1/chat';
  const spoken: Record<string, string> = language ? { language } : {};
  return `/v1/speech_to_speech?${new URLSearchParams({ mode: 'agent', agent_name: agent, format: 'pcm', ...spoken })}`;
}

function requestOf({ agent, sessionId, key, content }: Question): RequestInit {
  const headers: Record<string, string> = {
    ...authorization(),
    Accept: 'text/event-stream',
    'X-Session-ID': sessionId,
    'Idempotency-Key': key,
  };
  if (typeof content === 'string') {
    headers['Content-Type'] = 'application/json';
    const body = { text: content, mode: 'agent', agent_name: agent, session_id: sessionId, stream: true };
    return { method: 'POST', headers, body: JSON.stringify(body), cache: 'no-store' };
  }
  const form = new FormData();
  form.append('file', content, 'speech.wav');
  return { method: 'POST', headers, body: form, cache: 'no-store' };
}

async function* eventsOf(response: Response, patience: Patience): AsyncGenerator<TurnEvent> {
  const type = response.headers.get('Content-Type') ?? '';
  if (!type.startsWith('text/event-stream') || !response.body) throw new MalformedStream(`not an event stream: ${type}`);
  const reader = new EventReader();
  const body = response.body.getReader();
  let ended = false;
  try {
    for (let chunk = await body.read(); !chunk.done; chunk = await body.read()) {
      for (const message of reader.push(chunk.value)) {
        const event = parseEvent(message);
        if (event === null) continue;
        if (event.type === 'reply.delta' || event.type === 'audio.delta') patience.renew();
        ended = event.type === 'turn.completed' || event.type === 'turn.failed';
        yield event;
        if (ended) return;
      }
    }
  } finally {
    if (ended) drain(body);
    else body.cancel().catch(() => undefined); // the gateway sees at once that nobody reads
  }
  throw failed('cut', 'The answer broke off.');
}

/** Reads the end of a stream whose turn is over, so that the gateway does not take us for gone. */
function drain(body: ReadableStreamDefaultReader<Uint8Array>): void {
  const timer = setTimeout(() => void body.cancel().catch(() => undefined), DRAIN_MS);
  const next = (): Promise<void> => body.read().then(({ done }) => (done ? undefined : next()));
  void next()
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
}

function readAgent(agent: Partial<Agent> & { voice?: unknown }): Agent {
  const voice: unknown = agent.voice;
  const mute = voice === false || (typeof voice === 'object' && voice !== null && 'enabled' in voice && voice.enabled === false);
  return {
    name: String(agent.name),
    description: agent.description ?? '',
    ready: agent.ready === true,
    ...(agent.reason ? { reason: agent.reason } : {}),
    voice: !mute,
    languages: Array.isArray(agent.languages) ? agent.languages : [],
  };
}

const CODES: Record<number, string> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  408: 'slow_request',
  409: 'session_busy',
  413: 'too_large',
  415: 'unsupported_media',
  422: 'no_speech',
  429: 'rate_limited',
  502: 'provider_failed',
  503: 'unavailable',
  504: 'deadline',
};

/** A problem document, or what a proxy in between sent instead of one. */
async function problemOf(response: Response): Promise<SessionError> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const { status } = response;
  const seconds = retryAfter(response.headers.get('Retry-After'));
  return new SessionError({
    code: typeof body.code === 'string' ? body.code : (CODES[status] ?? 'internal'),
    status,
    detail: typeof body.detail === 'string' ? body.detail : '',
    retryable: typeof body.retryable === 'boolean' ? body.retryable : [408, 409, 429, 502, 503, 504].includes(status),
    ...(seconds > 0 ? { retryAt: Date.now() + seconds * 1000 } : {}),
    ...(typeof body.request_id === 'string' ? { requestId: body.request_id } : {}),
  });
}

function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  return Number.isFinite(seconds) ? seconds : Math.max(0, (Date.parse(header) - Date.now()) / 1000 || 0);
}

function translate(error: unknown, patience: Patience): SessionError {
  if (error instanceof SessionError) return error;
  if (patience.over) return failed('timeout', '');
  if (error instanceof MalformedStream) return failed('malformed', 'The answer could not be read.');
  return navigator.onLine === false ? failed('offline', '') : failed('unreachable', '');
}

/** A wait with a bound: its signal aborts when it is over, or when the caller's does. */
class Patience {
  over = false;
  #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #outer: AbortSignal | undefined;
  #milliseconds: number;

  constructor(milliseconds: number, outer?: AbortSignal) {
    this.#milliseconds = milliseconds;
    this.#outer = outer;
    outer?.addEventListener('abort', this.#stop);
    if (outer?.aborted) this.#stop();
    this.renew();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.over = true;
      this.#stop();
    }, this.#milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#stop);
  }

  #stop = (): void => this.#controller.abort();
}
