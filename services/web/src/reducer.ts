/** What the page knows and how it changes: (state, event) -> state. No clock, no network: times come with events. */

import type { Agent, Stage, TurnEvent } from './wire.ts';

export interface Failure {
  /** A code of the gateway, or one of the page: offline, unreachable, timeout, cut, interrupted, malformed. */
  code: string;
  status?: number;
  /** The gateway's sentence, shown where the page has no better one. */
  detail: string;
  retryable: boolean;
  /** When sending again makes sense, in ms since the epoch. */
  retryAt?: number;
  requestId?: string;
}

export interface Tool {
  callId: string;
  name: string;
  outcome?: 'ok' | 'error';
}

export interface Turn {
  id: string;
  /** The Idempotency-Key: kept for every attempt, so that the gateway answers a turn once. */
  key: string;
  kind: 'text' | 'voice';
  /** What the person said; of a voice turn empty until it is transcribed. */
  text: string;
  /** Length of the recording. */
  seconds?: number;
  reply: string;
  tools: Tool[];
  status: 'running' | 'done' | 'stopped' | 'failed';
  finish?: 'stop' | 'length' | 'content_filter';
  failure?: Failure;
}

/** A value that a store can keep: everything that belongs to one session with one agent. */
export interface Conversation {
  agent: string | null;
  sessionId: string;
  turns: Turn[];
}

export type Mic = 'idle' | 'opening' | 'listening' | 'closing';
export type MicProblem = 'denied' | 'absent' | 'taken' | 'insecure' | 'unsupported' | 'broken';
export type Hint = 'hold' | 'allow' | 'ready' | 'newConversation' | 'agentChanged' | 'longest' | MicProblem;

export interface Active {
  /** Number of the attempt; what comes from another one is old and ignored. */
  run: number;
  turnId: string;
  stage: 'sending' | Stage;
  /** When the stage began. */
  since: number;
}

export interface State {
  agents: { status: 'loading' | 'loaded' | 'failed'; list: Agent[]; failure?: Failure };
  conversation: Conversation;
  active: Active | null;
  mic: Mic;
  micSince: number;
  /** Sound of a reply is being played, since then. */
  soundSince: number | null;
  draft: string;
  hint: Hint | null;
}

export type PageEvent =
  | { type: 'agents.loaded'; list: Agent[] }
  | { type: 'agents.failed'; failure: Failure }
  | { type: 'agent.chosen'; name: string; sessionId: string }
  | { type: 'conversation.started'; sessionId: string }
  | { type: 'turn.sent'; run: number; turn: Pick<Turn, 'id' | 'key' | 'kind' | 'text' | 'seconds'>; at: number }
  | { type: 'turn.kept'; turn: Pick<Turn, 'id' | 'key' | 'kind' | 'text' | 'seconds'>; failure: Failure }
  | { type: 'turn.retried'; run: number; id: string; at: number }
  | { type: 'turn.event'; run: number; event: TurnEvent; at: number }
  | { type: 'turn.broke'; run: number; failure: Failure }
  | { type: 'turn.stopped' }
  | { type: 'mic'; mic: Mic; at: number }
  | { type: 'hint'; hint: Hint | null }
  | { type: 'sound'; playing: boolean; at: number }
  | { type: 'draft'; text: string };

export const initialState = (sessionId: string): State => ({
  agents: { status: 'loading', list: [] },
  conversation: { agent: null, sessionId, turns: [] },
  active: null,
  mic: 'idle',
  micSince: 0,
  soundSince: null,
  draft: '',
  hint: null,
});

export function reduce(state: State, event: PageEvent): State {
  switch (event.type) {
    case 'agents.loaded':
      return agentsLoaded(state, event.list);
    case 'agents.failed':
      return { ...state, agents: { status: 'failed', list: state.agents.list, failure: event.failure } };
    case 'agent.chosen':
      return agentChosen(state, event.name, event.sessionId);
    case 'conversation.started':
      return { ...fresh(state, state.conversation.agent, event.sessionId), hint: 'newConversation' };
    case 'turn.sent':
      return begin({ ...state, draft: event.turn.kind === 'text' ? '' : state.draft }, event.run, newTurn(event.turn), event.at);
    case 'turn.kept':
      return withTurns(state, [...state.conversation.turns, { ...newTurn(event.turn), status: 'failed', failure: event.failure }]);
    case 'turn.retried':
      return retried(state, event.run, event.id, event.at);
    case 'turn.event':
      return event.run === state.active?.run ? onTurnEvent(state, state.active, event.event, event.at) : state;
    case 'turn.broke':
      return event.run === state.active?.run ? end(state, state.active, { status: 'failed', failure: event.failure }) : state;
    case 'turn.stopped':
      return state.active ? end(state, state.active, { status: 'stopped' }) : state;
    case 'mic':
      return { ...state, mic: event.mic, micSince: event.at, hint: event.mic === 'idle' ? state.hint : null };
    case 'hint':
      return { ...state, hint: event.hint };
    case 'sound':
      return { ...state, soundSince: event.playing ? (state.soundSince ?? event.at) : null };
    case 'draft':
      return { ...state, draft: event.text, hint: null };
  }
}

/** What a person reads as the step of the turn, and since when; null when nothing goes on. */
export function currentStep(state: State): { name: 'listening' | 'opening' | Active['stage']; since: number; tool?: string } | null {
  if (state.mic === 'listening' || state.mic === 'closing') return { name: 'listening', since: state.micSince };
  if (state.mic === 'opening') return { name: 'opening', since: state.micSince };
  if (state.active) {
    const turn = state.conversation.turns.find((one) => one.id === state.active?.turnId);
    const tool = turn?.tools.findLast((one) => one.outcome === undefined)?.name;
    return { name: state.active.stage, since: state.active.since, ...(tool ? { tool } : {}) };
  }
  return state.soundSince === null ? null : { name: 'speaking', since: state.soundSince };
}

export const chosenAgent = (state: State): Agent | undefined =>
  state.agents.list.find((agent) => agent.name === state.conversation.agent);

function agentsLoaded(state: State, list: Agent[]): State {
  const known = list.some((agent) => agent.name === state.conversation.agent);
  const keep = known || state.conversation.turns.length > 0; // an agent that is gone keeps its conversation on show
  const first = list.find((agent) => agent.ready && agent.name === 'assistant') ?? list.find((agent) => agent.ready) ?? list[0];
  const agent = keep ? state.conversation.agent : (first?.name ?? null);
  return { ...state, agents: { status: 'loaded', list }, conversation: { ...state.conversation, agent } };
}

function agentChosen(state: State, name: string, sessionId: string): State {
  if (name === state.conversation.agent) return state;
  const spoken = state.conversation.turns.length > 0;
  return { ...fresh(state, name, sessionId), hint: spoken ? 'agentChanged' : null };
}

const fresh = (state: State, agent: string | null, sessionId: string): State => ({
  ...state,
  conversation: { agent, sessionId, turns: [] },
  active: null,
});

const newTurn = (turn: Pick<Turn, 'id' | 'key' | 'kind' | 'text' | 'seconds'>): Turn => ({
  ...turn,
  reply: '',
  tools: [],
  status: 'running',
});

const withTurns = (state: State, turns: Turn[]): State => ({ ...state, conversation: { ...state.conversation, turns } });

function begin(state: State, run: number, turn: Turn, at: number): State {
  const stopped = state.active ? end(state, state.active, { status: 'stopped' }) : state;
  const others = stopped.conversation.turns.filter((one) => one.id !== turn.id);
  const active: Active = { run, turnId: turn.id, stage: 'sending', since: at };
  return { ...withTurns(stopped, [...others, turn]), active, hint: null };
}

function retried(state: State, run: number, id: string, at: number): State {
  const old = state.conversation.turns.find((turn) => turn.id === id);
  if (!old) return state;
  const { id: _, key, kind, text, seconds } = old;
  return begin(state, run, newTurn({ id, key, kind, text, ...(seconds === undefined ? {} : { seconds }) }), at);
}

function change(state: State, id: string, how: (turn: Turn) => Partial<Turn>): State {
  return withTurns(
    state,
    state.conversation.turns.map((turn) => (turn.id === id ? { ...turn, ...how(turn) } : turn)),
  );
}

const end = (state: State, active: Active, how: Partial<Turn>): State => ({
  ...change(state, active.turnId, () => how),
  active: null,
});

function onTurnEvent(state: State, active: Active, event: TurnEvent, at: number): State {
  const id = active.turnId;
  switch (event.type) {
    case 'turn.started':
      return withSession(state, event.session_id);
    case 'stage':
      return event.stage === active.stage ? state : { ...state, active: { ...active, stage: event.stage, since: at } };
    case 'transcript':
      return change(state, id, () => ({ text: event.text }));
    case 'reply.delta':
      return change(state, id, (turn) => ({ reply: turn.reply + event.text }));
    case 'tool.started':
      return change(state, id, (turn) => ({ tools: [...turn.tools, { callId: event.call_id, name: event.name }] }));
    case 'tool.completed':
      return change(state, id, (turn) => ({
        tools: turn.tools.map((tool) => (tool.callId === event.call_id ? { ...tool, outcome: event.outcome } : tool)),
      }));
    case 'audio.delta':
      return state; // sound is the player's, not the state's
    case 'turn.completed':
      return end(state, active, { status: 'done', reply: event.reply, finish: event.finish_reason ?? 'stop' });
    case 'turn.failed':
      return end(state, active, { status: 'failed', failure: failureOf(event, at) });
  }
}

const withSession = (state: State, sessionId: string): State => ({
  ...state,
  conversation: { ...state.conversation, sessionId },
});

const failureOf = (event: Extract<TurnEvent, { type: 'turn.failed' }>, at: number): Failure => ({
  code: event.code,
  detail: event.detail,
  retryable: event.retryable,
  ...(event.retry_after ? { retryAt: at + event.retry_after * 1000 } : {}),
});
