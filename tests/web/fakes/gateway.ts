/** The gateway's side of the wire, scripted by a test: real HTTP, real event streams, the built page with its headers. */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DIST = fileURLToPath(new URL('../../../services/web/dist', import.meta.url));

export const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Permissions-Policy': 'microphone=(self), camera=(), geolocation=()',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

export interface Event {
  type: string;
  [member: string]: unknown;
}

/** One request for a turn, as the page sent it, and the ways to answer it. */
export interface Exchange {
  kind: 'text' | 'voice';
  headers: Record<string, string>;
  url: URL;
  /** The JSON of a text turn. */
  json: Record<string, unknown>;
  /** The recording of a voice turn. */
  wav: Buffer;
  /** Resolves when the page has gone before the answer's end. */
  gone: Promise<void>;
  send(...events: Event[]): void;
  raw(bytes: Uint8Array | string): void;
  end(): void;
  /** Breaks the connection. */
  reset(): void;
  problem(status: number, body: Record<string, unknown>, headers?: Record<string, string>): void;
}

export type Script = (exchange: Exchange) => Promise<void> | void;

export const AGENTS = [
  { name: 'assistant', description: 'Answers questions of every kind, briefly.', ready: true, voice: true, languages: ['en'] },
  { name: 'viva-examiner', description: 'Holds an oral exam and grades each answer.', ready: true, voice: true, languages: ['en', 'kn', 'hi'] },
  { name: 'travel-planner', description: 'Plans a trip day by day.', ready: false, reason: 'The model does not answer.', voice: true, languages: ['en'] },
  { name: 'clerk', description: 'Fills in forms.', ready: true, voice: false, languages: [] },
];

export class FakeGateway {
  agents: unknown[] | null = AGENTS; // null: 503
  script: Script = (exchange) => reply(exchange, 'Hello.');
  exchanges: Exchange[] = [];
  paths: string[] = [];
  /** Where set, every request needs it. */
  key: string | null = null;
  /** The build that is served, and how `/` of it is: as it should be, by a proxy that found nobody, or never. */
  folder = DIST;
  index: 'right' | 'bad gateway' | 'never' = 'right';
  #server: Server;
  #waiting: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /** On a free port, or again on the one that it had. */
  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  /** The turn of that number, from 0, once the page has asked for it. */
  async exchange(index: number): Promise<Exchange> {
    while (this.exchanges.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.exchanges[index]!;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://gateway');
    this.paths.push(url.pathname);
    if (url.pathname.startsWith('/v1/') && this.key && request.headers.authorization !== `Bearer ${this.key}`) return refuse(response);
    if (url.pathname === '/v1/agents') return this.#directory(response);
    if (request.method === 'POST') return this.#turn(request, response, url);
    if (url.pathname === '/' && this.index === 'never') return;
    if (url.pathname === '/' && this.index === 'bad gateway') return void response.writeHead(502, { 'Content-Type': 'text/html' }).end('Bad gateway');
    return servePage(this.folder, url.pathname, response);
  }

  #directory(response: ServerResponse): void {
    const body = this.agents ? { agents: this.agents } : { code: 'unavailable', status: 503, detail: 'No.', retryable: true };
    response.writeHead(this.agents ? 200 : 503, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify(body));
  }

  async #turn(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const exchange = await exchangeOf(request, response, url, Buffer.concat(chunks));
    this.exchanges.push(exchange);
    for (const wake of this.#waiting.splice(0)) wake();
    await this.script(exchange);
  }
}

/** A whole good answer: with sound where the question was spoken. */
export function reply(exchange: Exchange, text: string, sound: Buffer = tone(0.2)): void {
  exchange.send(...opening(exchange));
  for (const piece of text.match(/\S+\s*/g) ?? []) exchange.send({ type: 'reply.delta', text: piece });
  if (exchange.kind === 'voice') exchange.send({ type: 'stage', stage: 'speaking' }, audio(sound));
  exchange.send({ type: 'turn.completed', reply: text, finish_reason: 'stop', usage: {}, timings: {} });
  exchange.end();
}

/** What the gateway says before the first word of a reply. */
export function opening(exchange: Exchange, heard = 'What is the time?'): Event[] {
  const session_id = exchange.headers['x-session-id'] ?? '';
  const started = { type: 'turn.started', turn_id: 't', session_id, agent: 'assistant' };
  const transcribed = [{ type: 'stage', stage: 'transcribing' }, { type: 'transcript', text: heard, final: true }];
  return [started, ...(exchange.kind === 'voice' ? transcribed : []), { type: 'stage', stage: 'thinking' }];
}

export const audio = (pcm: Buffer): Event => ({ type: 'audio.delta', audio: pcm.toString('base64'), format: 'pcm_s16le_24000' });

/** A tone of so many seconds: s16le, 24 kHz. */
export function tone(seconds: number, rate = 24_000): Buffer {
  const samples = Int16Array.from({ length: Math.round(seconds * rate) }, (_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / rate));
  return Buffer.from(samples.buffer);
}

async function exchangeOf(request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): Promise<Exchange> {
  const headers = request.headers as Record<string, string>;
  const voice = url.pathname === '/v1/speech_to_speech';
  const form = voice ? await new Response(new Uint8Array(body), { headers: { 'Content-Type': headers['content-type'] ?? '' } }).formData() : null;
  const file = form?.get('file');
  const gone = new Promise<void>((resolve) => response.on('close', () => response.writableFinished || resolve()));
  const open = () => response.headersSent || response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' });
  const write = (bytes: Uint8Array | string) => (open(), response.write(bytes), undefined);
  return {
    kind: voice ? 'voice' : 'text',
    headers,
    url,
    json: voice ? {} : (JSON.parse(body.toString()) as Record<string, unknown>),
    wav: file instanceof Blob ? Buffer.from(await file.arrayBuffer()) : Buffer.alloc(0),
    gone,
    send: (...events) => events.forEach(({ type, ...data }) => write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)),
    raw: write,
    end: () => void response.end(),
    reset: () => void response.destroy(),
    problem: (status, members, extra = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/problem+json', ...extra });
      response.end(JSON.stringify({ type: 'about:blank', title: '', status, request_id: 'req-1', ...members }));
    },
  };
}

function refuse(response: ServerResponse): void {
  response.writeHead(401, { 'Content-Type': 'application/problem+json', 'WWW-Authenticate': 'Bearer' });
  response.end(JSON.stringify({ status: 401, code: 'unauthenticated', detail: 'No.', retryable: false }));
}

async function servePage(folder: string, path: string, response: ServerResponse): Promise<void> {
  const name = normalize(path === '/' ? '/index.html' : path);
  const body = await readFile(join(folder, name)).catch(() => null);
  const cache = name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  response.writeHead(body ? 200 : 404, { ...PAGE_HEADERS, 'Content-Type': type, 'Cache-Control': cache });
  response.end(body ?? 'Not found');
}
