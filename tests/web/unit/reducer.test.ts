import { describe, expect, test } from 'vitest';
import { politeText, urgentText } from '../../../services/web/src/announce.ts';
import { currentStep, initialState, reduce, spokenLanguage, type Failure, type PageEvent, type State } from '../../../services/web/src/reducer.ts';
import type { Agent, TurnEvent } from '../../../services/web/src/wire.ts';

const agent = (name: string, more: Partial<Agent> = {}): Agent => ({ name, description: '', ready: true, voice: true, languages: [], ...more });
const after = (state: State, ...events: PageEvent[]): State => events.reduce(reduce, state);
const start = (): State => after(initialState('s1'), { type: 'agents.loaded', list: [agent('assistant'), agent('clerk')] });
const sent = (run: number, id: string, kind: 'text' | 'voice' = 'text'): PageEvent => ({
  type: 'turn.sent',
  run,
  turn: { id, key: `key-${id}`, kind, text: kind === 'text' ? `question ${id}` : '' },
  at: 1000 * run,
});
const wire = (run: number, event: TurnEvent, at = 0): PageEvent => ({ type: 'turn.event', run, event, at });
const delta = (run: number, text: string) => wire(run, { type: 'reply.delta', text });
const done = (run: number, reply: string) => wire(run, { type: 'turn.completed', reply });
const lost: Failure = { code: 'unreachable', detail: '', retryable: true };
const last = (state: State) => state.conversation.turns.at(-1);

describe('agents', () => {
  test.each([
    ['assistant before others', [agent('a'), agent('assistant')], 'assistant'],
    ['one that is ready', [agent('assistant', { ready: false }), agent('b')], 'b'],
    ['the first where none is', [agent('a', { ready: false }), agent('b', { ready: false })], 'a'],
    ['none of none', [], null],
  ])('chosen at first: %s', (_, list, expected) => {
    expect(after(initialState('s'), { type: 'agents.loaded', list }).conversation.agent).toBe(expected);
  });

  test('a choice outlives a new list', () => {
    const chosen = after(start(), { type: 'agent.chosen', name: 'clerk', sessionId: 's2' });
    expect(after(chosen, { type: 'agents.loaded', list: [agent('assistant'), agent('clerk')] }).conversation.agent).toBe('clerk');
  });

  test('another agent is another conversation, and the page says why', () => {
    const state = after(start(), sent(1, 'a'), done(1, 'yes'), { type: 'draft', text: 'half' }, { type: 'agent.chosen', name: 'clerk', sessionId: 's2' });
    expect(state.conversation).toEqual({ id: 's2', agent: 'clerk', sessionId: 's2', language: null, changedAt: 0, turns: [] });
    expect(state).toMatchObject({ hint: 'agentChanged', active: null, draft: 'half' });
  });

  test('the list stays on show when it cannot be renewed', () => {
    const state = after(start(), { type: 'agents.failed', failure: lost });
    expect(state.agents).toMatchObject({ status: 'failed', failure: lost });
    expect(state.agents.list).toHaveLength(2);
  });
});

describe('a turn', () => {
  test('grows from the events of the gateway', () => {
    const state = after(
      start(),
      sent(1, 'a', 'voice'),
      wire(1, { type: 'turn.started', turn_id: 't', session_id: 's1', agent: 'assistant' }),
      wire(1, { type: 'stage', stage: 'transcribing' }, 1100),
      wire(1, { type: 'transcript', text: 'Where', final: false }),
      wire(1, { type: 'transcript', text: 'Where is it?', final: true }),
      wire(1, { type: 'stage', stage: 'thinking' }, 1200),
      wire(1, { type: 'tool.started', call_id: '1', name: 'local-guide' }),
      delta(1, 'Over '),
      delta(1, 'there.'),
    );
    expect(last(state)).toMatchObject({ text: 'Where is it?', reply: 'Over there.', status: 'running' });
    expect(currentStep(state)).toEqual({ name: 'thinking', since: 1200, tool: 'local-guide' });
    const finished = after(state, wire(1, { type: 'tool.completed', call_id: '1', name: 'local-guide', outcome: 'ok' }), done(1, 'Over there.'));
    expect(last(finished)).toMatchObject({ status: 'done', finish: 'stop', tools: [{ outcome: 'ok' }] });
    expect(currentStep(finished)).toBeNull();
  });

  test('that is answered from the record has its reply without deltas', () => {
    expect(last(after(start(), sent(1, 'a'), done(1, 'whole')))).toMatchObject({ reply: 'whole' });
  });

  test('keeps its step where the gateway repeats it: time goes on', () => {
    const state = after(start(), sent(1, 'a'), wire(1, { type: 'stage', stage: 'thinking' }, 5), wire(1, { type: 'stage', stage: 'thinking' }, 9));
    expect(currentStep(state)?.since).toBe(5);
  });

  test('that failed keeps what was said and what was answered', () => {
    const state = after(start(), sent(1, 'a'), delta(1, 'Half'), wire(1, { type: 'turn.failed', code: 'deadline', detail: 'd', retryable: true, retry_after: 2 }, 500));
    expect(last(state)).toMatchObject({ text: 'question a', reply: 'Half', status: 'failed', failure: { code: 'deadline', retryAt: 2500 } });
    expect(state.active).toBeNull();
  });

  test('that is retried keeps its key, forgets its failure and becomes the last', () => {
    const state = after(start(), sent(1, 'a'), { type: 'turn.broke', run: 1, failure: lost }, sent(2, 'b'), done(2, 'b'), { type: 'turn.retried', run: 3, id: 'a', at: 7 });
    expect(state.conversation.turns.map((turn) => turn.id)).toEqual(['b', 'a']);
    expect(last(state)).toEqual({ id: 'a', key: 'key-a', kind: 'text', text: 'question a', reply: '', tools: [], status: 'running', at: 7 });
  });

  test('that a new one replaces is stopped, and nothing of it arrives any more', () => {
    const state = after(start(), sent(1, 'a'), delta(1, 'old'), sent(2, 'b'), delta(1, ' more'), done(1, 'all'), { type: 'turn.broke', run: 1, failure: lost });
    expect(state.conversation.turns).toMatchObject([{ reply: 'old', status: 'stopped' }, { reply: '', status: 'running' }]);
    expect(state.active?.run).toBe(2);
  });

  test('of a conversation that was left does not reach the next', () => {
    const state = after(start(), sent(1, 'a'), { type: 'conversation.started', sessionId: 's2' }, delta(1, 'late'), done(1, 'late'));
    expect(state.conversation).toMatchObject({ id: 's2', agent: 'assistant', sessionId: 's2', turns: [] });
  });

  test('that was recorded and not sent is kept', () => {
    const failure: Failure = { code: 'interrupted', detail: '', retryable: true };
    const state = after(start(), { type: 'turn.kept', turn: { id: 'a', key: 'k', kind: 'voice', text: '', seconds: 2 }, failure, at: 1 });
    expect(last(state)).toMatchObject({ status: 'failed', failure, seconds: 2 });
  });

  test('by text empties the draft, by voice does not', () => {
    const typed = after(start(), { type: 'draft', text: 'half' });
    expect(after(typed, sent(1, 'a', 'voice')).draft).toBe('half');
    expect(after(typed, sent(1, 'a', 'text')).draft).toBe('');
  });
});

describe('steps', () => {
  test('speaking lasts while there is sound, from its first piece', () => {
    const state = after(start(), { type: 'sound', playing: true, at: 10 }, { type: 'sound', playing: true, at: 20 });
    expect(currentStep(state)).toEqual({ name: 'speaking', since: 10 });
    expect(currentStep(after(state, { type: 'sound', playing: false, at: 30 }))).toBeNull();
  });

  test('listening comes with the first sound and not before', () => {
    const opening = after(start(), { type: 'mic', mic: 'opening', at: 1 });
    expect(currentStep(opening)?.name).toBe('opening');
    expect(currentStep(after(opening, { type: 'mic', mic: 'listening', at: 2 }))).toEqual({ name: 'listening', since: 2 });
  });
});

describe('without a network', () => {
  const queued = (id: string): PageEvent => ({ type: 'turn.queued', turn: { id, key: `key-${id}`, kind: 'text', text: id }, at: 1 });
  const away = (code: string): PageEvent => ({ type: 'turn.broke', run: 1, failure: { code, detail: '', retryable: true } });

  test.each([
    ['offline', 'offline'],
    ['unreachable', 'unreachable'],
    ['timeout', 'online'],
    ['provider_failed', 'online'],
  ])('a turn that fails as %s makes the page %s', (code, network) => {
    expect(after(start(), sent(1, 'a'), away(code)).network).toBe(network);
  });

  test('the list of agents or an answer shows that it is back', () => {
    const lonely = after(start(), sent(1, 'a'), away('unreachable'));
    expect(after(lonely, { type: 'agents.loaded', list: [agent('assistant')] }).network).toBe('online');
    expect(after(lonely, sent(2, 'b'), done(2, 'yes')).network).toBe('online');
  });

  test('a turn waits, keeps its key when it goes, and can be taken back', () => {
    const waiting = after(start(), { type: 'draft', text: 'a' }, queued('a'), queued('b'));
    expect(waiting.draft).toBe('');
    expect(waiting.conversation.turns.map(({ status }) => status)).toEqual(['queued', 'queued']);
    const gone = after(waiting, { type: 'turn.withdrawn', id: 'b' }, { type: 'turn.retried', run: 1, id: 'a', at: 5 });
    expect(gone.conversation.turns).toMatchObject([{ id: 'b', status: 'stopped' }, { id: 'a', key: 'key-a', status: 'running', at: 5 }]);
  });

  test('a failed turn that is queued forgets its failure', () => {
    const failed = after(start(), sent(1, 'a'), away('offline'));
    expect(last(after(failed, { type: 'turn.queued', turn: last(failed)!, at: 9 }))).toEqual({ id: 'a', key: 'key-a', kind: 'text', text: 'question a', reply: '', tools: [], status: 'queued', at: 9 });
  });

  test('is said once, politely', () => {
    expect(politeText(after(start(), { type: 'network', network: 'offline' }))).toBe('You are offline.');
  });
});

describe('signing in', () => {
  const refused: PageEvent = { type: 'agents.failed', failure: { code: 'unauthenticated', status: 401, detail: '', retryable: false } };
  const offered: PageEvent = { type: 'sign', signIn: 'done' };
  const loaded: PageEvent = { type: 'agents.loaded', list: [agent('assistant')] };

  test.each<[string, PageEvent[], State['signIn']]>([
    ['is not asked for where no key is wanted', [loaded], 'no'],
    ['is asked for at the first refusal', [refused], 'needed'],
    ['stays asked for while nothing is given', [refused, refused], 'needed'],
    ['a wrong key is refused', [refused, offered, refused], 'refused'],
    ['and stays refused', [refused, offered, refused, refused], 'refused'],
    ['a right one is done', [refused, offered, loaded], 'done'],
    ['a key that was kept and is revoked is refused', [offered, loaded, refused], 'refused'],
    ['a gateway that no longer asks lets everyone in', [refused, loaded], 'done'],
    ['a public list of agents does not sign in', [loaded, sent(1, 'a'), { type: 'turn.broke', run: 1, failure: { code: 'unauthenticated', detail: '', retryable: false } }, loaded], 'needed'],
  ])('%s', (_, events, signIn) => expect(after(initialState('s'), ...events).signIn).toBe(signIn));

  test('a refusal is urgent', () => {
    expect(urgentText(after(start(), refused, offered, refused))).toContain('not accepted');
  });
});

describe('conversations', () => {
  test('opening one leaves the other and its turn', () => {
    const other = { ...start().conversation, id: 'old', sessionId: 'old', agent: 'clerk' };
    const state = after(start(), sent(1, 'a'), { type: 'conversation.opened', conversation: other }, delta(1, 'late'));
    expect(state).toMatchObject({ conversation: other, active: null });
  });

  test('what another tab added reaches only the same conversation', () => {
    const state = after(start(), sent(1, 'a'));
    const other = { ...state.conversation, id: 'other', turns: [] };
    expect(after(state, { type: 'conversation.merged', conversation: other })).toBe(state);
    expect(after(state, { type: 'conversation.merged', conversation: { ...state.conversation, turns: [] } }).conversation.turns).toEqual([]);
  });

  test('the time of change is that of the latest attempt', () => {
    expect(after(start(), sent(1, 'a'), done(1, 'x')).conversation.changedAt).toBe(1000);
  });

  test.each<[string | null, string[], string | undefined]>([
    ['kn', ['en'], 'kn'],
    [null, ['en'], 'en'],
    [null, ['en', 'kn'], undefined],
    [null, [], undefined],
  ])('chosen %s, offered %j: spoken is %s', (language, languages, spoken) => {
    const state = after(start(), { type: 'agents.loaded', list: [agent('assistant', { languages })] }, { type: 'language', language });
    expect(spokenLanguage(state)).toBe(spoken);
  });
});

test('a lock lasts until the microphone is idle', () => {
  const listening = after(start(), { type: 'mic', mic: 'opening', at: 0 }, { type: 'locked' }, { type: 'mic', mic: 'listening', at: 1 });
  expect(listening.locked).toBe(true);
  expect(after(listening, { type: 'mic', mic: 'idle', at: 2 }).locked).toBe(false);
});

test('a screen reader hears a whole turn without a token of it', () => {
  const events: PageEvent[] = [
    { type: 'mic', mic: 'opening', at: 0 },
    { type: 'mic', mic: 'listening', at: 0 },
    { type: 'mic', mic: 'idle', at: 0 },
    sent(1, 'a', 'voice'),
    wire(1, { type: 'stage', stage: 'transcribing' }),
    wire(1, { type: 'stage', stage: 'thinking' }),
    delta(1, 'One '),
    delta(1, '**two**.'),
    wire(1, { type: 'stage', stage: 'speaking' }),
    { type: 'sound', playing: true, at: 0 },
    done(1, 'One **two**.'),
    { type: 'sound', playing: false, at: 0 },
    sent(2, 'b'),
    done(2, 'One **two**.'),
    sent(3, 'c'),
    { type: 'turn.broke', run: 3, failure: { code: 'timeout', detail: '', retryable: true } },
  ];
  const heard: string[] = [];
  let state = start();
  for (const event of events) {
    state = reduce(state, event);
    for (const text of [politeText(state), urgentText(state)]) if (text && heard.at(-1) !== text) heard.push(text);
  }
  expect(heard).toEqual([
    'Opening the microphone',
    'Listening',
    'Sending',
    'Transcribing',
    'Thinking',
    'Speaking',
    'Answer complete',
    'Sending',
    'assistant: One two.',
    'Sending',
    'Request took too long; please try again',
  ]);
});

test('no event changes the state that it is given', () => {
  const freeze = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  let state = freeze(start()) as State;
  for (const event of [sent(1, 'a'), delta(1, 'x'), done(1, 'x'), { type: 'turn.retried', run: 2, id: 'a', at: 1 } as const]) {
    state = freeze(reduce(state, event)) as State;
  }
  expect(last(state)?.status).toBe('running');
});
