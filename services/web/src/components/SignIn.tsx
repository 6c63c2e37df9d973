import { useId, useRef } from 'preact/hooks';
import type { Settings } from '../settings.ts';
import { strings } from '../strings.ts';

/** Asks for the key that the gateway wants. The key is in no state and in no address. */
export function SignIn({ refused, settings }: { refused: boolean; settings: Settings }) {
  const key = useRef<HTMLInputElement>(null);
  const keep = useRef<HTMLInputElement>(null);
  const id = useId();
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const value = key.current?.value.trim() ?? '';
    if (!value) return key.current?.focus();
    settings.signIn(value, keep.current?.checked === true);
    document.querySelector<HTMLElement>('#message')?.focus();
  };
  return (
    <form class="sign-in" aria-labelledby={`${id}-title`} onSubmit={onSubmit}>
      <h2 id={`${id}-title`}>{strings.signIn}</h2>
      <p id={`${id}-help`} class={refused ? 'warn' : 'note'}>
        {refused ? strings.signInRefused : strings.signInHelp}
      </p>
      <label for={`${id}-key`}>{strings.apiKey}</label>
      <input
        id={`${id}-key`}
        ref={key}
        type="password"
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${id}-help`}
        aria-invalid={refused || undefined}
      />
      <label class="check">
        <input ref={keep} type="checkbox" />
        {strings.keepKey}
      </label>
      <button type="submit" class="action">
        {strings.signIn}
      </button>
    </form>
  );
}
