import { describe, expect, test } from 'vitest';
import { MOST_KEPT, asJson, asText, found, merged, restored, sorted, titleOf } from '../../../services/web/src/history.ts';
import type { Conversation, Turn } from '../../../services/web/src/reducer.ts';

const turn = (id: string, at: number, more: Partial<Turn> = {}): Turn => ({
  id,
  key: `key-${id}`,
  kind: 'text',
  text: `question ${id}`,
  at,
  reply: '',
  tools: [],
  status: 'done',
  ...more,
});
const conversation = (turns: Turn[], more: Partial<Conversation> = {}): Conversation => ({
  id: 'c',
  agent: 'assistant',
  sessionId: 's',
  language: null,
  changedAt: 0,
  turns,
  ...more,
});

describe('the title', () => {
  test.each([
    ['the first words', ['Where  is\nit? '], 'Where is it?'],
    ['the first turn that has words', ['', 'Second'], 'Second'],
    ['nothing where nothing was said in words', [''], null],
  ])('is %s', (_, texts, title) => {
    expect(titleOf(conversation(texts.map((text, i) => turn(String(i), i, { text }))))).toBe(title);
  });

  test.each(['ಕನ್ನಡ '.repeat(30), '👩‍👩‍👧‍👦'.repeat(30), 'a'.repeat(500)])('cuts %s between characters that people see', (text) => {
    const title = titleOf(conversation([turn('a', 0, { text })]))!;
    expect(title.endsWith('…')).toBe(true);
    expect(title.length).toBeLessThanOrEqual(61);
    const whole = [...new Intl.Segmenter().segment(text.trim())].map(({ segment }) => segment);
    const cut = [...new Intl.Segmenter().segment(title.slice(0, -1))].map(({ segment }) => segment);
    expect(cut).toEqual(whole.slice(0, cut.length));
  });
});

describe('two copies of one conversation', () => {
  test('keep the turns of both, by time', () => {
    const both = merged(conversation([turn('a', 1), turn('c', 3)]), conversation([turn('b', 2), turn('a', 1)]));
    expect(both.turns.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  test.each<[string, Partial<Turn>, Partial<Turn>, string]>([
    ['an answer wins over none', { status: 'done', reply: 'mine' }, { status: 'running', reply: 'theirs' }, 'mine'],
    ['whoever has it', { status: 'failed', reply: 'mine' }, { status: 'done', reply: 'theirs' }, 'theirs'],
    ['a later attempt wins over an earlier end', { status: 'failed', reply: 'mine' }, { status: 'running', reply: 'theirs', at: 9 }, 'theirs'],
    ['mine where both are alike', { status: 'stopped', reply: 'mine' }, { status: 'stopped', reply: 'theirs' }, 'mine'],
  ])('%s', (_, mine, theirs, reply) => {
    expect(merged(conversation([turn('a', 1, mine)]), conversation([turn('a', 1, theirs)])).turns).toMatchObject([{ reply }]);
  });

  test('are the same whichever comes first, and merging again changes nothing', () => {
    const statuses = ['queued', 'running', 'stopped', 'failed', 'done'] as const;
    for (let seed = 0; seed < 200; seed += 1) {
      const some = (salt: number) =>
        conversation(['a', 'b', 'c', 'd'].flatMap((id, i) => ((seed + salt) >> i) % 2 ? [turn(id, (seed * (salt + i)) % 3, { status: statuses[(seed + salt * i) % 5]! })] : []), { changedAt: salt });
      const [one, two] = [some(3), some(7)];
      const both = merged(one, two);
      const states = (c: Conversation) => c.turns.map(({ id, at, status }) => `${id}${at}${status}`).sort();
      expect(states(merged(two, one))).toEqual(states(both));
      expect(states(merged(both, one))).toEqual(states(both));
    }
  });

  test('take the language and the session of the later change', () => {
    const both = merged(conversation([], { changedAt: 1, language: 'kn' }), conversation([], { changedAt: 2, language: 'hi' }));
    expect(both.language).toBe('hi');
  });
});

test('what ran when the page was closed is cut and can be retried; what waits for the network still waits', () => {
  const { turns } = restored(conversation([turn('a', 1), turn('b', 2, { status: 'running', reply: 'Half' }), turn('c', 3, { status: 'queued' })]));
  expect(turns).toMatchObject([{ status: 'done' }, { status: 'failed', reply: 'Half', failure: { code: 'reloaded', retryable: true } }, { status: 'queued' }]);
});

test('as many are kept as are promised, the newest', () => {
  const many = Array.from({ length: MOST_KEPT + 5 }, (_, i) => conversation([], { id: String(i), changedAt: i }));
  const kept = sorted(many);
  expect(kept).toHaveLength(MOST_KEPT);
  expect([kept[0]!.id, kept.at(-1)!.id]).toEqual(['54', '5']);
});

describe('searching', () => {
  const list = [
    conversation([turn('a', 1, { text: 'Trains to Kyoto', reply: 'From **Osaka**.' })], { id: '1' }),
    conversation([turn('b', 2, { text: 'ನಮಸ್ಕಾರ' })], { id: '2', agent: 'viva-examiner' }),
  ];
  test.each([
    ['', ['1', '2']],
    ['kyoto', ['1']],
    ['OSAKA train', ['1']],
    ['kyoto viva', []],
    ['viva', ['2']],
    ['ನಮಸ್', ['2']],
    ['ＫＹＯＴＯ', ['1']],
    ['.*', []],
  ])('for "%s"', (query, ids) => expect(found(list, query).map(({ id }) => id)).toEqual(ids));
});

describe('an export', () => {
  const some = conversation([turn('a', 0, { text: 'Hi', reply: 'Hello.' }), turn('b', 1, { text: '', kind: 'voice', status: 'failed' })]);

  test('as text is what was said', () => {
    expect(asText(some, 'You', 'Spoken message')).toBe('You: Hi\n\nassistant: Hello.\n\nYou: Spoken message\n');
  });

  test('as JSON can be read by programs and holds no key', () => {
    expect(JSON.parse(asJson(some))).toEqual({
      agent: 'assistant',
      session_id: 's',
      language: null,
      turns: [
        { at: '1970-01-01T00:00:00.000Z', kind: 'text', text: 'Hi', reply: 'Hello.', status: 'done' },
        { at: '1970-01-01T00:00:00.001Z', kind: 'voice', text: '', reply: '', status: 'failed' },
      ],
    });
    expect(asJson(some)).not.toContain('key-');
  });
});
