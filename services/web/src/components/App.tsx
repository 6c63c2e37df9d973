import { useCallback, useRef } from 'preact/hooks';
import { politeText, urgentText } from '../announce.ts';
import type { Talk } from '../conversation.ts';
import { chosenAgent, currentStep, type State } from '../reducer.ts';
import { strings } from '../strings.ts';
import { AgentList } from './AgentList.tsx';
import { Composer } from './Composer.tsx';
import { Icon } from './Icon.tsx';
import { Sheet } from './Sheet.tsx';
import { Steps } from './Steps.tsx';
import { Transcript } from './Transcript.tsx';

export function App({ state, talk }: { state: State; talk: Talk }) {
  const agent = chosenAgent(state);
  const name = state.conversation.agent;
  const input = useRef<HTMLTextAreaElement>(null);
  const focusInput = useCallback(() => input.current?.focus(), []);
  const list = (group: string) => <AgentList group={group} agents={state.agents} chosen={name} onChoose={(to) => talk.chooseAgent(to)} />;
  return (
    <div class="page">
      <aside class="side">
        <p class="brand">
          <Icon name="logo" /> {strings.title}
        </p>
        {list('side')}
      </aside>
      <header class="top">
        <Sheet label={name ?? strings.chooseAgent} ready={agent?.ready}>
          {list('sheet')}
        </Sheet>
        <h1 class="top-name">{name ?? strings.title}</h1>
        {agent && !agent.ready && <p class="top-reason">{agent.reason ?? strings.notReady}</p>}
        <button type="button" class="quiet" aria-label={strings.newConversation} onClick={() => talk.newConversation()}>
          <Icon name="new" />
          <span class="wide">{strings.newConversation}</span>
        </button>
      </header>
      <Transcript state={state} talk={talk} onEdit={focusInput} />
      <footer class="dock">
        <Steps step={currentStep(state)} hint={state.hint} onStop={() => talk.stop()} />
        <Composer state={state} talk={talk} agent={agent} input={input} />
      </footer>
      <p class="hidden" role="status">
        {politeText(state)}
      </p>
      <p class="hidden" role="alert">
        {urgentText(state)}
      </p>
    </div>
  );
}
