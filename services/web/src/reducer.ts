/** What the page knows and how it changes: (state, event) -> state. No clock, no network: times come with events. */

import type { Locale } from './strings.ts';
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
  /** When the latest attempt began, in ms since the epoch. */
  at: number;
  /** `queued`: waits for the network. */
  status: 'queued' | 'running' | 'done' | 'stopped' | 'failed';
  finish?: 'stop' | 'length' | 'content_filter';
  failure?: Failure;
}

/** A value that a store can keep: everything that belongs to one session with one agent. */
export interface Conversation {
  /** Its name on this device. The session is the agent's, and the gateway may give it another name. */
  id: string;
  agent: string | null;
  sessionId: string;
  /** BCP-47 tag of what the person speaks; null leaves it to the agent. */
  language: string | null;
  changedAt: number;
  turns: Turn[];
}

/** What the person gives of a turn. */
export type Asked = Pick<Turn, 'id' | 'key' | 'kind' | 'text' | 'seconds'>;

export type Mic = 'idle' | 'opening' | 'listening' | 'closing';
export type MicProblem = 'denied' | 'absent' | 'taken' | 'insecure' | 'unsupported' | 'broken';
export type Hint =
  | 'hold'
  | 'allow'
  | 'ready'
  | 'newConversation'
  | 'agentChanged'
  | 'removed'
  | 'longest'
  | 'offline'
  | 'cleared'
  | MicProblem;

export interface Device {
  id: string;
  label: string;
}


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
  /** The conversations of this device, newest first; with the one on show once something was said in it. */
  library: Conversation[];
  /** Whether they outlive the page. */
  kept: boolean;
  /** offline: the browser says so; unreachable: the gateway does not answer. */
  network: 'online' | 'offline' | 'unreachable';
  /** By choice: what is sent meanwhile waits for the network. */
  queueing: boolean;
  /** Whether the gateway wants a key. */
  signIn: 'no' | 'needed' | 'refused' | 'done';
  locale: Locale;
  microphones: Device[];
  /** The chosen one; '' is the system's own. */
  microphone: string;
  mic: Mic;
  /** Speech goes on though nothing is held. */
  locked: boolean;
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
  | { type: 'conversation.started'; sessionId: string; hint?: Hint }
  | { type: 'conversation.opened'; conversation: Conversation }
  | { type: 'conversation.merged'; conversation: Conversation }
  | { type: 'library'; list: Conversation[]; kept: boolean }
  | { type: 'language'; language: string | null }
  | { type: 'locale'; locale: Locale }
  | { type: 'network'; network: State['network'] }
  | { type: 'queueing'; on: boolean }
  | { type: 'sign'; signIn: State['signIn'] }
  | { type: 'microphones'; list: Device[]; chosen: string }
  | { type: 'locked' }
  | { type: 'turn.sent'; run: number; turn: Asked; at: number }
  | { type: 'turn.kept'; turn: Asked; failure: Failure; at: number }
  | { type: 'turn.queued'; turn: Asked; at: number }
  | { type: 'turn.withdrawn'; id: string }
  | { type: 'turn.retried'; run: number; id: string; at: number }
  | { type: 'turn.event'; run: number; event: TurnEvent; at: number }
  | { type: 'turn.broke'; run: number; failure: Failure }
  | { type: 'turn.stopped' }
  | { type: 'mic'; mic: Mic; at: number }
  | { type: 'hint'; hint: Hint | null }
  | { type: 'sound'; playing: boolean; at: number }
  | { type: 'draft'; text: string };

const emptyConversation = (agent: string | null, sessionId: string): Conversation => ({
  id: sessionId,
  agent,
  sessionId,
  language: null,
  changedAt: 0,
  turns: [],
});

export const initialState = (sessionId: string): State => ({
  agents: { status: 'loading', list: [] },
  conversation: emptyConversation(null, sessionId),
  library: [],
  kept: true,
  network: 'online',
  queueing: false,
  signIn: 'no',
  locale: 'en',
  microphones: [],
  microphone: '',
  active: null,
  mic: 'idle',
  locked: false,
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
      return agentsFailed(state, event.failure);
    case 'agent.chosen':
      return agentChosen(state, event.name, event.sessionId);
    case 'conversation.started':
      return { ...fresh(state, state.conversation.agent, event.sessionId), hint: event.hint ?? 'newConversation' };
    case 'conversation.opened':
      return { ...state, conversation: event.conversation, active: null, hint: null };
    case 'conversation.merged':
      return event.conversation.id === state.conversation.id ? { ...state, conversation: event.conversation } : state;
    case 'library':
      return { ...state, library: event.list, kept: event.kept };
    case 'language':
      return { ...state, conversation: { ...state.conversation, language: event.language } };
    case 'locale':
      return { ...state, locale: event.locale };
    case 'network':
      return { ...state, network: event.network, hint: state.hint === 'offline' ? null : state.hint };
    case 'queueing':
      return { ...state, queueing: event.on };
    case 'sign':
      return { ...state, signIn: event.signIn };
    case 'microphones':
      return { ...state, microphones: event.list, microphone: event.chosen };
    case 'locked':
      return { ...state, locked: true };
    case 'turn.sent':
      return begin(withoutDraft(state, event.turn), event.run, newTurn(event.turn, event.at));
    case 'turn.kept':
      return withTurn(state, { ...newTurn(event.turn, event.at), status: 'failed', failure: event.failure });
    case 'turn.queued':
      return withTurn(withoutDraft(state, event.turn), { ...newTurn(event.turn, event.at), status: 'queued' });
    case 'turn.withdrawn':
      return change(state, event.id, (turn) => (turn.status === 'queued' ? { status: 'stopped' } : {}));
    case 'turn.retried':
      return retried(state, event.run, event.id, event.at);
    case 'turn.event':
      return event.run === state.active?.run ? onTurnEvent(state, state.active, event.event, event.at) : state;
    case 'turn.broke':
      return event.run === state.active?.run ? broke(state, state.active, event.failure) : state;
    case 'turn.stopped':
      return state.active ? end(state, state.active, { status: 'stopped' }) : state;
    case 'mic':
      return { ...state, mic: event.mic, micSince: event.at, locked: state.locked && event.mic !== 'idle', hint: event.mic === 'idle' ? state.hint : null };
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

/** BCP-47 tag of what is said here, where it is known: chosen by the person, or the only one of the agent. */
export function spokenLanguage(state: State): string | undefined {
  const { language } = state.conversation;
  const offered = chosenAgent(state)?.languages ?? [];
  return language ?? (offered.length === 1 ? offered[0] : undefined);
}

function agentsLoaded(state: State, list: Agent[]): State {
  const known = list.some((agent) => agent.name === state.conversation.agent);
  const keep = known || state.conversation.turns.length > 0; // an agent that is gone keeps its conversation on show
  const first = list.find((agent) => agent.ready && agent.name === 'assistant') ?? list.find((agent) => agent.ready) ?? list[0];
  const agent = keep ? state.conversation.agent : (first?.name ?? null);
  const conversation = agent === state.conversation.agent ? state.conversation : { ...state.conversation, agent };
  const letIn = state.agents.failure?.code === 'unauthenticated' && state.signIn !== 'no';
  return { ...state, agents: { status: 'loaded', list }, conversation, network: 'online', signIn: letIn ? 'done' : state.signIn };
}

function agentsFailed(state: State, failure: Failure): State {
  return troubled({ ...state, agents: { status: 'failed', list: state.agents.list, failure } }, failure);
}

/** The request reached nobody: the network bar says so, and what was to be sent can wait. */
export const isAway = (failure: Failure): failure is Failure & { code: 'offline' | 'unreachable' } =>
  failure.code === 'offline' || failure.code === 'unreachable';

/** What a failed request says of the network and of the sign-in. */
function troubled(state: State, failure: Failure): State {
  if (isAway(failure)) return { ...state, network: failure.code };
  const { code } = failure;
  if (code !== 'unauthenticated') return state;
  return { ...state, signIn: state.signIn === 'no' || state.signIn === 'needed' ? 'needed' : 'refused' };
}

const broke = (state: State, active: Active, failure: Failure): State =>
  troubled(end(state, active, { status: 'failed', failure }), failure);

function agentChosen(state: State, name: string, sessionId: string): State {
  if (name === state.conversation.agent) return state;
  const spoken = state.conversation.turns.length > 0;
  return { ...fresh(state, name, sessionId), hint: spoken ? 'agentChanged' : null };
}

const fresh = (state: State, agent: string | null, sessionId: string): State => ({
  ...state,
  conversation: emptyConversation(agent, sessionId),
  active: null,
});

const newTurn = ({ id, key, kind, text, seconds }: Asked, at: number): Turn => ({
  id,
  key,
  kind,
  text,
  ...(seconds === undefined ? {} : { seconds }),
  at,
  reply: '',
  tools: [],
  status: 'running',
});

const withoutDraft = (state: State, turn: Asked): State => (turn.kind === 'text' ? { ...state, draft: '' } : state);

/** Its time of change is that of its latest attempt: a page that is only read changes nothing. */
function withTurns(state: State, turns: Turn[]): State {
  const changedAt = turns.reduce((latest, turn) => Math.max(latest, turn.at), state.conversation.changedAt);
  return { ...state, conversation: { ...state.conversation, turns, changedAt } };
}

/** With this turn as the last, in the place of an earlier attempt. */
const withTurn = (state: State, turn: Turn): State =>
  withTurns(state, [...state.conversation.turns.filter((one) => one.id !== turn.id), turn]);

function begin(state: State, run: number, turn: Turn): State {
  const stopped = state.active ? end(state, state.active, { status: 'stopped' }) : state;
  const active: Active = { run, turnId: turn.id, stage: 'sending', since: turn.at };
  return { ...withTurn(stopped, turn), active, hint: null };
}

function retried(state: State, run: number, id: string, at: number): State {
  const old = state.conversation.turns.find((turn) => turn.id === id);
  if (!old) return state;
  return begin(state, run, newTurn(old, at));
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
      return end({ ...state, network: 'online' }, active, { status: 'done', reply: event.reply, finish: event.finish_reason ?? 'stop' });
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
