/** Conversations as values: what they are called, how two copies of one become one, how they are found and exported. */

import type { Conversation, Turn } from './reducer.ts';

export const LONGEST_TITLE = 60;
export const MOST_KEPT = 50;

const ORDER: Turn['status'][] = ['queued', 'running', 'stopped', 'failed', 'done'];

/** The first words that were said, or null where nothing was yet said in words. */
export function titleOf({ turns }: Conversation): string | null {
  const text = turns.find((turn) => turn.text)?.text.trim().replace(/\s+/g, ' ');
  if (!text) return null;
  if (text.length <= LONGEST_TITLE) return text;
  const parts = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  let title = '';
  for (const part of parts) {
    if (title.length + part.length > LONGEST_TITLE) break;
    title += part;
  }
  return `${title.trimEnd()}…`;
}

/**
 * Two copies of one conversation, from two tabs, as one: every turn of either, by time; of two copies of a turn the
 * later attempt, or else the one that got further.
 */
export function merged(mine: Conversation, other: Conversation): Conversation {
  const turns = new Map(other.turns.map((turn) => [turn.id, turn]));
  for (const turn of mine.turns) {
    const known = turns.get(turn.id);
    if (!known || isLater(turn, known)) turns.set(turn.id, turn);
  }
  const newer = other.changedAt > mine.changedAt ? other : mine;
  return { ...newer, turns: [...turns.values()].sort((a, b) => a.at - b.at) };
}

const isLater = (a: Turn, b: Turn): boolean =>
  a.at === b.at ? ORDER.indexOf(a.status) >= ORDER.indexOf(b.status) : a.at > b.at;

/** A conversation as it is after the page was closed in the middle: what ran was cut. */
export function restored(conversation: Conversation): Conversation {
  if (!conversation.turns.some(({ status }) => status === 'running')) return conversation;
  const cut = { status: 'failed', failure: { code: 'reloaded', detail: '', retryable: true } } as const;
  return { ...conversation, turns: conversation.turns.map((turn) => (turn.status === 'running' ? { ...turn, ...cut } : turn)) };
}

/** Newest first, and no more than are kept. */
export const sorted = (list: Conversation[]): Conversation[] =>
  [...list].sort((a, b) => b.changedAt - a.changedAt).slice(0, MOST_KEPT);

const plain = (text: string): string => text.normalize('NFKC').toLowerCase();

/** Those in which every word of the query was said, or names the agent. */
export function found(list: Conversation[], query: string): Conversation[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return list;
  return list.filter(({ agent, turns }) => {
    const all = plain([agent, ...turns.flatMap(({ text, reply }) => [text, reply])].join('\n'));
    return words.every((word) => all.includes(word));
  });
}

/** A conversation to read. `you` and `spoken` are the words of the page. */
export function asText(conversation: Conversation, you: string, spoken: string): string {
  const said = conversation.turns.flatMap(({ text, reply }) => [`${you}: ${text || spoken}`, ...(reply ? [`${conversation.agent}: ${reply}`] : [])]);
  return `${said.join('\n\n')}\n`;
}

/** A conversation to work with: only what was said and when, no keys. */
export function asJson({ agent, sessionId, language, turns }: Conversation): string {
  const said = turns.map(({ kind, text, reply, status, at }) => ({ at: new Date(at).toISOString(), kind, text, reply, status }));
  return `${JSON.stringify({ agent, session_id: sessionId, language, turns: said }, null, 2)}\n`;
}
