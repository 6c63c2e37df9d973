import { useCallback, useRef } from 'preact/hooks';
import { politeText, urgentText } from '../announce.ts';
import type { Store, Talk } from '../conversation.ts';
import type { Keeper } from '../keeper.ts';
import { chosenAgent, currentStep, type State } from '../reducer.ts';
import type { Settings } from '../settings.ts';
import { strings } from '../strings.ts';
import { AgentList } from './AgentList.tsx';
import { Composer } from './Composer.tsx';
import { History } from './History.tsx';
import { Icon } from './Icon.tsx';
import { NetworkBar } from './NetworkBar.tsx';
import { SettingsPanel } from './SettingsPanel.tsx';
import { Sheet } from './Sheet.tsx';
import { Steps } from './Steps.tsx';
import { Transcript } from './Transcript.tsx';

interface Props {
  state: State;
  send: Store['send'];
  talk: Talk;
  keeper: Keeper;
  settings: Settings;
}

export function App({ state, send, talk, keeper, settings }: Props) {
  const agent = chosenAgent(state);
  const input = useRef<HTMLTextAreaElement>(null);
  const focusInput = useCallback(() => input.current?.focus(), []);
  return (
    <div class="page">
      <aside class="side" aria-label={strings.menu}>
        <p class="brand">
          <Icon name="logo" /> {strings.title}
        </p>
        <Lists group="side" {...{ state, talk, keeper }} />
      </aside>
      <Top {...{ state, send, talk, keeper, settings }} />
      <Transcript state={state} talk={talk} settings={settings} onEdit={focusInput} />
      <footer class="dock">
        <NetworkBar state={state} send={send} />
        <Steps step={currentStep(state)} hint={state.hint} onStop={() => talk.halt()} />
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

/** What is beside the conversation where there is room, and in a sheet where there is none. */
function Lists({ group, state, talk, keeper }: { group: string; state: State; talk: Talk; keeper: Keeper }) {
  return (
    <>
      <AgentList group={group} agents={state.agents} chosen={state.conversation.agent} onChoose={(name) => talk.chooseAgent(name)} />
      <History group={group} state={state} keeper={keeper} />
    </>
  );
}

function Top({ state, send, talk, keeper, settings }: Props) {
  const agent = chosenAgent(state);
  const name = state.conversation.agent;
  const picker = (
    <>
      <span class="dot" data-ready={agent?.ready === true} aria-hidden="true" />
      <span class="picker-name">{name ?? strings.chooseAgent}</span>
      <span class="hidden">{strings.menu}</span>
      <Icon name="down" />
    </>
  );
  const gear = (
    <>
      <Icon name="settings" />
      <span class="hidden">{strings.settings}</span>
    </>
  );
  return (
    <header class="top">
      <Sheet label={strings.menu} buttonClass="picker" button={picker}>
        <Lists group="sheet" {...{ state, talk, keeper }} />
      </Sheet>
      <h1 class="top-name">{name ?? strings.title}</h1>
      {agent && !agent.ready && <p class="top-reason">{agent.reason ?? strings.notReady}</p>}
      <button type="button" class="quiet" aria-label={strings.newConversation} onClick={() => talk.newConversation()}>
        <Icon name="new" />
        <span class="wide">{strings.newConversation}</span>
      </button>
      <Sheet label={strings.settings} buttonClass="quiet gear" button={gear}>
        <SettingsPanel {...{ state, send, settings }} />
      </Sheet>
    </header>
  );
}
