import type { ComponentChildren } from 'preact';
import { asJson, asText, titleOf } from '../history.ts';
import { chosenAgent, type State } from '../reducer.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../conversation.ts';
import { LOCALES, languageName, strings, type Locale } from '../strings.ts';

interface Props {
  state: State;
  send: Store['send'];
  settings: Settings;
}

/** What a person may choose, for this conversation and for all. */
export function SettingsPanel({ state, send, settings }: Props) {
  const agent = chosenAgent(state);
  const { conversation, locale, microphones } = state;
  const languages = [...new Set([...(agent?.languages ?? []), ...LOCALES])];
  return (
    <div class="settings">
      <h3 class="side-title">{strings.thisConversation}</h3>
      <Choice
        label={strings.speechLanguage}
        value={conversation.language ?? ''}
        onChoose={(tag) => send({ type: 'language', language: tag || null })}
        options={[['', strings.speechAutomatic], ...languages.map((tag): [string, string] => [tag, languageName(tag)])]}
      />
      {conversation.turns.length > 0 && (
        <div class="pair">
          <button type="button" class="action" onClick={() => save(state, 'txt')}>
            {strings.exportText}
          </button>
          <button type="button" class="action" onClick={() => save(state, 'json')}>
            {strings.exportJson}
          </button>
        </div>
      )}
      <h3 class="side-title">{strings.thisDevice}</h3>
      <Choice
        label={strings.microphone}
        value={state.microphone}
        onChoose={(id) => settings.chooseMicrophone(id)}
        options={[['', strings.microphoneDefault], ...microphones.map(({ id, label }, index): [string, string] => [id, label || `${strings.microphone} ${index + 1}`])]}
      />
      <Choice
        label={strings.pageLanguage}
        value={locale}
        onChoose={(to) => void settings.chooseLocale(to as Locale)}
        options={LOCALES.map((one) => [one, languageName(one, one), one])}
      >
        {strings.needsNativeReader && <span class="note">{strings.needsNativeReader}</span>}
      </Choice>
      {state.signIn === 'done' && (
        <button type="button" class="action" data-closes onClick={() => settings.signOut()}>
          {strings.signOut}
        </button>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  /** Value, words, and the language of the words where it is another one. */
  options: ([string, string] | [string, string, string])[];
  onChoose: (value: string) => void;
  children?: ComponentChildren;
}

function Choice({ label, value, options, onChoose, children }: ChoiceProps) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([one, words, lang]) => (
          <option key={one} value={one} lang={lang} selected={one === value}>
            {words}
          </option>
        ))}
      </select>
      {children}
    </label>
  );
}

/** Hands the conversation to the person as a file; nothing leaves the page. */
function save({ conversation }: State, kind: 'txt' | 'json'): void {
  const content = kind === 'txt' ? asText(conversation, strings.you, strings.spoken) : asJson(conversation);
  const url = URL.createObjectURL(new Blob([content], { type: kind === 'txt' ? 'text/plain' : 'application/json' }));
  const name = (titleOf(conversation) ?? strings.spoken).replace(/[^\p{L}\p{M}\p{N}]+/gu, '-').slice(0, 40).replace(/^-|-$/g, '');
  Object.assign(document.createElement('a'), { href: url, download: `${name}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
