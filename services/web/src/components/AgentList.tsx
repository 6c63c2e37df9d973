import { isAway, type State } from '../reducer.ts';
import { failureText, languageName, strings } from '../strings.ts';
import type { Agent } from '../wire.ts';

interface Props {
  /** Two lists may be in the page; each is a radio group of its own. */
  group: string;
  agents: State['agents'];
  chosen: string | null;
  onChoose: (name: string) => void;
}

export function AgentList({ group, agents, chosen, onChoose }: Props) {
  return (
    <fieldset class="agents">
      <legend>{strings.agents}</legend>
      {agents.status === 'loading' && <p class="note">{strings.loadingAgents}</p>}
      {agents.failure && (agents.list.length === 0 || !isAway(agents.failure)) && <p class="note">{failureText(agents.failure)}</p>}
      {agents.status === 'loaded' && agents.list.length === 0 && (
        <p class="note">
          {strings.noAgents} {strings.noAgentsHelp}
        </p>
      )}
      {agents.list.map((agent) => (
        <AgentChoice key={agent.name} group={group} agent={agent} chosen={agent.name === chosen} onChoose={onChoose} />
      ))}
    </fieldset>
  );
}

function AgentChoice({ group, agent, chosen, onChoose }: { group: string; agent: Agent; chosen: boolean; onChoose: Props['onChoose'] }) {
  const id = `${group}-${agent.name}`;
  const languages = agent.languages.map((tag) => languageName(tag)).join(', ');
  const abilities = [agent.voice ? strings.textAndVoice : strings.textOnly, languages].filter(Boolean).join(' · ');
  return (
    <label class="agent" data-chosen={chosen}>
      <input
        type="radio"
        name={`agent-${group}`}
        value={agent.name}
        checked={chosen}
        aria-describedby={`${id}-more`}
        onChange={() => onChoose(agent.name)}
      />
      <span class="agent-name">{agent.name}</span>
      <span class="agent-more" id={`${id}-more`}>
        {agent.description && <span class="agent-about">{agent.description}</span>}
        <span class="agent-state" data-ready={agent.ready}>
          {agent.ready ? `${strings.ready} · ${abilities}` : (agent.reason ?? strings.notReady)}
        </span>
        {!agent.ready && <span>{abilities}</span>}
      </span>
    </label>
  );
}
