/** What a screen reader is told, as values: one polite line, one for failures. Never a token, never a second. */

import { plainText } from './markdown.ts';
import { currentStep, type State } from './reducer.ts';
import { failureText, hintText, strings } from './strings.ts';

export function politeText(state: State): string {
  const step = currentStep(state);
  if (step) return step.tool ? strings.tool.running(step.tool) : strings.step[step.name];
  if (state.hint) return hintText(state.hint);
  if (state.network !== 'online') return strings[state.network];
  if (state.signIn === 'needed') return strings.signInHelp;
  const last = state.conversation.turns.at(-1);
  if (last?.status === 'queued') return strings.queued;
  if (last?.status === 'stopped') return strings.stopped;
  if (last?.status !== 'done') return '';
  if (last.kind === 'voice') return strings.replyDone; // it was heard
  return strings.replyOf(state.conversation.agent ?? '', plainText(last.reply));
}

export function urgentText(state: State): string {
  if (state.signIn === 'refused') return strings.signInRefused;
  const last = state.conversation.turns.at(-1);
  return last?.failure ? failureText(last.failure) : '';
}
