/** Every word that the page says, in one place a language; and how failures and hints are put into words. */

import type { Failure, Hint } from './reducer.ts';

const en = {
  title: 'Talk',
  agents: 'Agents',
  chooseAgent: 'Choose an agent',
  close: 'Close',
  newConversation: 'New conversation',
  loadingAgents: 'Looking for agents…',
  noAgents: 'No agent is here yet.',
  noAgentsHelp: 'Apply a TalkAgent and it appears here.',
  ready: 'Ready',
  notReady: 'Not ready',
  textOnly: 'Text only',
  transcript: 'Conversation',
  you: 'You',
  message: 'Your message',
  placeholder: 'Type here',
  send: 'Send',
  stop: 'Stop',
  retry: 'Retry',
  retryIn: (seconds: number) => `Retry in ${seconds} s`,
  sendRecording: 'Send it',
  askAgain: 'Ask again',
  edit: 'Edit',
  holdToTalk: 'Hold to talk',
  releaseToSend: 'Let go to send',
  welcome: 'What would you like to talk about?',
  welcomeHelp: 'Hold the button and speak, or type below.',
  welcomeKeys: 'Space and Enter hold the button too, and Esc stops an answer.',
  welcomeText: 'This agent answers in writing. Type below.',
  spoken: 'Spoken message',
  seconds: (value: number) => `${Math.max(1, Math.round(value))} s`,
  stopped: 'Stopped',
  cutAtLength: 'The answer reached its length limit.',
  filtered: 'The provider held back a part of the answer.',
  tool: { running: (name: string) => `Asking ${name}`, ok: (name: string) => `Asked ${name}`, error: (name: string) => `${name} did not answer` },
  step: {
    opening: 'Opening the microphone',
    listening: 'Listening',
    sending: 'Sending',
    transcribing: 'Transcribing',
    thinking: 'Thinking',
    speaking: 'Speaking',
  },
  replyOf: (agent: string, text: string) => `${agent}: ${text}`,
  replyDone: 'Answer complete',
  requestId: (id: string) => `Request ${id}`,
  link: 'opens in a new tab',
};

export const strings = en;

const languages = new Intl.DisplayNames(['en'], { type: 'language' });

/** The name of a BCP-47 tag; a tag that is none stays as it is. */
export function languageName(tag: string): string {
  try {
    return languages.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const hints: Record<Hint, string> = {
  hold: 'Hold to talk: keep the button down while you speak.',
  allow: 'Allow the microphone, then hold to talk.',
  ready: 'The microphone is ready. Hold to talk.',
  newConversation: 'New conversation: the agent remembers nothing of the one before.',
  agentChanged: 'New conversation: each agent remembers only what it was told itself.',
  longest: 'The recording reached two minutes and was sent.',
  denied: 'The microphone is blocked for this page. Allow it in the browser’s site settings, or type.',
  absent: 'No microphone was found. Connect one and hold to talk again, or type.',
  taken: 'Another program uses the microphone. Close it and hold to talk again, or type.',
  insecure: 'Browsers give the microphone only to secure pages. Open this page over https or on localhost, or type.',
  unsupported: 'This browser cannot record. Use a current one, or type.',
  broken: 'The microphone could not be started. Hold to talk to try again, or type.',
};

export const hintText = (hint: Hint): string => hints[hint];

const failures: Record<string, string> = {
  timeout: 'Request took too long; please try again',
  deadline: 'Request took too long; please try again',
  offline: 'You are offline. Nothing is lost: retry when the network is back.',
  unreachable: 'Talk cannot be reached. Nothing is lost: retry in a moment.',
  cut: 'The connection broke before the answer was complete.',
  malformed: 'The answer could not be read.',
  interrupted: 'The recording was interrupted. It was kept and not sent.',
  unauthenticated: 'You need to sign in to talk to this agent.',
  forbidden: 'You may not talk to this agent.',
  unknown_agent: 'This agent is gone. Choose another one.',
  not_found: 'This agent is gone. Choose another one.',
  session_busy: 'Another answer is still being written in this conversation. Retry when it is done.',
  too_large: 'This is too long to send. Try it in shorter parts.',
  unsupported_media: 'The recording could not be read. Please record it again.',
  no_speech: 'No speech was heard. Hold to talk and try again, a little closer to the microphone.',
  rate_limited: 'That was a lot at once. Wait a moment, then retry.',
  empty_reply: 'The agent had no answer this time.',
  no_audio: 'The answer could not be spoken.',
  content_filter: 'The model’s provider held this answer back. Try other words.',
  provider_failed: 'The model or speech service failed. It may work on the next try.',
  provider_unreachable: 'The model or speech service cannot be reached right now.',
  provider_busy: 'The model or speech service is very busy right now.',
  circuit_open: 'The model or speech service keeps failing and is being left alone for a moment.',
  agent_not_ready: 'The agent is not ready yet.',
  draining: 'Talk is restarting. Retry in a moment.',
  unavailable: 'Talk is not available right now.',
  internal: 'Something went wrong inside Talk.',
};

const byStatus = (status: number | undefined): string =>
  status !== undefined && status >= 500 ? failures.internal! : 'This could not be sent as it is.';

/** A failure in plain words; what the gateway says of an invalid request is the better sentence. */
export function failureText(failure: Failure): string {
  if (failure.code === 'invalid_request' && failure.detail) return failure.detail;
  return failures[failure.code] ?? (failure.detail || byStatus(failure.status));
}
