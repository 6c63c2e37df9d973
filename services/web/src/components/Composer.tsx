import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import type { Talk } from '../conversation.ts';
import type { State } from '../reducer.ts';
import { strings } from '../strings.ts';
import type { Agent } from '../wire.ts';
import { Icon } from './Icon.tsx';
import { TalkButton } from './TalkButton.tsx';

interface Props {
  state: State;
  talk: Talk;
  agent: Agent | undefined;
  input: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ state, talk, agent, input }: Props) {
  useLayoutEffect(() => grow(input.current), [state.draft]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    talk.sendText();
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    talk.sendText();
    input.current?.focus();
  };
  return (
    <form class="composer" onSubmit={onSubmit}>
      <div class="field">
        <label class="hidden" for="message">
          {strings.message}
        </label>
        <textarea
          id="message"
          ref={input}
          rows={1}
          dir="auto"
          enterkeyhint="send"
          placeholder={strings.placeholder}
          value={state.draft}
          onInput={(event) => talk.type(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" class="send" aria-label={strings.send} aria-disabled={!state.draft.trim() || !agent || (state.network === 'offline' && !state.queueing)}>
          <Icon name="send" />
        </button>
      </div>
      {agent?.voice !== false && <TalkButton state={state} talk={talk} />}
    </form>
  );
}

/** As tall as its text, up to what the style allows. */
function grow(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
