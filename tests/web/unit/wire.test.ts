import { describe, expect, test } from 'vitest';
import { EventReader, MalformedStream, parseEvent, type Message } from '../../../services/web/src/wire.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Random, and the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

function readInPieces(body: Uint8Array, seed: number): Message[] {
  const random = numbers(seed);
  const reader = new EventReader();
  const messages: Message[] = [];
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(random.next().value * 6);
    messages.push(...reader.push(body.subarray(at, at + size)));
    at += size;
  }
  return messages;
}

const SAID = 'ನಮಸ್ಕಾರ 👋🏽 “été” नमस्ते';
const one = (end: string) => [': hello', 'event: reply.delta', `data: ${JSON.stringify({ text: SAID })}`, '', ''].join(end);

describe('the reader of event streams', () => {
  test.each([['LF', '\n'], ['CRLF', '\r\n'], ['CR', '\r']])('reads %s, cut at any byte', (_, end) => {
    const body = bytes(one(end).repeat(3));
    const expected = Array(3).fill({ event: 'reply.delta', data: JSON.stringify({ text: SAID }) });
    for (let seed = 1; seed <= 200; seed += 1) expect(readInPieces(body, seed)).toEqual(expected);
    expect(new EventReader().push(body)).toEqual(expected);
  });

  test.each([
    ['a byte order mark', '\ufeffdata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['comments and heartbeats', ':\n\n: x\n\ndata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['several lines of data', 'data: a\ndata: b\n\n', [{ event: 'message', data: 'a\nb' }]],
    ['no space after the colon', 'event:e\ndata:a\n\n', [{ event: 'e', data: 'a' }]],
    ['only the first space is cut', 'data:  a\n\n', [{ event: 'message', data: ' a' }]],
    ['a field without colon', 'data\n\n', [{ event: 'message', data: '' }]],
    ['an event without data', 'event: e\n\ndata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['fields of no meaning', 'id: 1\nretry: 5\nfoo: x\ndata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['a message that is not ended', 'data: a\n\ndata: b\n', [{ event: 'message', data: 'a' }]],
    ['line separators of Unicode are text', 'data: a\u2028b\u0085c\n\n', [{ event: 'message', data: 'a\u2028b\u0085c' }]],
  ])('%s', (_, body, expected) => {
    expect(new EventReader().push(bytes(body))).toEqual(expected);
    for (let seed = 1; seed <= 20; seed += 1) expect(readInPieces(bytes(body), seed)).toEqual(expected);
  });

  test('refuses a message that grows beyond all bounds', () => {
    const reader = new EventReader();
    const piece = bytes(`data: ${'x'.repeat(1024 * 1024)}\n`);
    expect(() => Array.from({ length: 9 }, () => reader.push(piece))).toThrow(MalformedStream);
  });
});

describe('events', () => {
  test('carry their type', () => {
    expect(parseEvent({ event: 'transcript', data: '{"text":"a","final":true}' })).toEqual({ type: 'transcript', text: 'a', final: true });
  });

  test.each(['later.event', 'message', 'constructor', '__proto__'])('of type %s are passed over', (event) => {
    expect(parseEvent({ event, data: '{}' })).toBeNull();
  });

  test.each([
    ['reply.delta', '{"text":'],
    ['reply.delta', '{"text":1}'],
    ['reply.delta', 'null'],
    ['turn.failed', '{"code":"x","detail":"y"}'],
    ['turn.completed', '{}'],
  ])('%s with %s are malformed', (event, data) => {
    expect(() => parseEvent({ event, data })).toThrow(MalformedStream);
  });
});
