/** Keeps the list of agents fresh: often while none can answer, again when the page is looked at. */

import type { PageEvent, State } from './reducer.ts';
import { SessionError, listAgents } from './session.ts';

const SOON_MS = 3_000;
const LATER_MS = 30_000;

/** Watches until the page ends. The returned function looks at once. */
export function watchAgents(send: (event: PageEvent) => void, get: () => State): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  const look = async (): Promise<void> => {
    if (busy || document.hidden) return;
    busy = true;
    clearTimeout(timer);
    try {
      send({ type: 'agents.loaded', list: await listAgents() });
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      send({ type: 'agents.failed', failure: error.failure });
    } finally {
      busy = false;
      timer = setTimeout(() => void look(), settled(get()) ? LATER_MS : SOON_MS);
    }
  };

  document.addEventListener('visibilitychange', () => void look());
  addEventListener('online', () => void look());
  addEventListener('offline', () => {
    send({ type: 'network', network: 'offline' });
    void look(); // a gateway on this machine answers all the same
  });
  void look();
  return () => void look();
}

/** Nothing is expected to change soon: the agent answers, or waits for the person to sign in. */
const settled = ({ agents, conversation, network }: State): boolean =>
  agents.failure?.code === 'unauthenticated' ||
  (network === 'online' && agents.status === 'loaded' && agents.list.some((agent) => agent.name === conversation.agent && agent.ready));
