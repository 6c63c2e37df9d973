import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Talk } from '../conversation.ts';
import { chosenAgent, spokenLanguage, type State } from '../reducer.ts';
import { strings } from '../strings.ts';
import type { Settings } from '../settings.ts';
import { SignIn } from './SignIn.tsx';
import { TurnView } from './TurnView.tsx';

const NEAR_PIXELS = 80;

/** The conversation. Follows its end unless the person has scrolled away from it. */
interface Props {
  state: State;
  talk: Talk;
  settings: Settings;
  onEdit: () => void;
}

export function Transcript({ state, talk, settings, onEdit }: Props) {
  const log = useRef<HTMLElement>(null);
  const follows = useRef(true);
  const { turns } = state.conversation;
  const asks = state.signIn === 'needed' || state.signIn === 'refused';
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = log.current!;
    follows.current = scrollHeight - scrollTop - clientHeight < NEAR_PIXELS;
  };
  useLayoutEffect(() => {
    follows.current = true;
  }, [turns.length]);
  useLayoutEffect(() => {
    if (follows.current && log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [turns]);
  return (
    <main class="main" ref={log} onScroll={onScroll} tabIndex={0}>
      <div class="log" role="log" aria-live="off" aria-label={strings.transcript}>
        {turns.map((turn, index) => (
          <TurnView
            key={turn.id}
            turn={turn}
            agent={state.conversation.agent ?? ''}
            language={spokenLanguage(state)}
            last={index === turns.length - 1}
            running={state.active?.turnId === turn.id}
            talk={talk}
            onEdit={onEdit}
            onRetry={() => log.current?.focus()}
          />
        ))}
      </div>
      {asks && <SignIn refused={state.signIn === 'refused'} settings={settings} />}
      {turns.length === 0 && !asks && <Welcome state={state} />}
    </main>
  );
}

function Welcome({ state }: { state: State }) {
  const agent = chosenAgent(state);
  return (
    <div class="welcome">
      <h2>{strings.welcome}</h2>
      {agent?.description && <p class="welcome-about">{agent.description}</p>}
      {agent && <p class="welcome-help">{agent.voice ? strings.welcomeHelp : strings.welcomeText}</p>}
      {agent?.voice && <p class="welcome-help welcome-keys">{strings.welcomeKeys}</p>}
    </div>
  );
}
