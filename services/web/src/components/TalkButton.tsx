import { useEffect, useRef } from 'preact/hooks';
import type { Talk } from '../conversation.ts';
import type { State } from '../reducer.ts';
import { strings } from '../strings.ts';
import { Icon } from './Icon.tsx';

const isTalkKey = (event: KeyboardEvent) => event.key === ' ' || event.key === 'Enter';

/** Hold it with pointer, Space or Enter; a tap, or a click without either (a screen reader's), starts and the next one sends. */
export function TalkButton({ state: { mic, locked }, talk }: { state: State; talk: Talk }) {
  const button = useRef<HTMLButtonElement>(null);
  const held = useRef<'pointer' | 'key' | null>(null);
  const pressedAt = useRef(-Infinity);

  useEffect(() => {
    talk.onLevel = (level) => button.current?.closest<HTMLElement>('.dock')?.style.setProperty('--level', level.toFixed(2));
    const onBlur = () => letGo(() => void talk.interrupt());
    addEventListener('blur', onBlur);
    return () => removeEventListener('blur', onBlur);
  }, [talk]);

  const hold = (by: 'pointer' | 'key') => {
    held.current = by;
    void talk.press();
  };
  const letGo = (then: () => void) => {
    pressedAt.current = performance.now();
    if (!held.current) return;
    held.current = null;
    then();
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || held.current) return;
    button.current?.setPointerCapture(event.pointerId);
    hold('pointer');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') held.current = null;
    if (!isTalkKey(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat && !held.current) hold('key');
  };
  const onKeyUp = (event: KeyboardEvent) => {
    if (!isTalkKey(event)) return;
    event.preventDefault();
    if (held.current === 'key') letGo(() => void talk.release());
  };
  const onClick = () => {
    const ours = performance.now() - pressedAt.current < 500; // the click that follows a press
    if (!ours && !held.current) talk.toggle();
  };
  const on = mic === 'listening' || mic === 'closing';
  return (
    <div class="talk">
      <button
        type="button"
        class="talk-button"
        ref={button}
        data-mic={mic}
        aria-label={strings.holdToTalk}
        aria-pressed={on}
        onPointerDown={onPointerDown}
        onPointerUp={() => held.current !== 'key' && letGo(() => void talk.release())}
        onPointerCancel={() => letGo(() => void talk.interrupt())}
        onKeyDown={onKeyDown}
        onKeyUp={onKeyUp}
        onBlur={() => held.current === 'key' && letGo(() => void talk.interrupt())}
        onClick={onClick}
        onContextMenu={(event) => event.preventDefault()}
      >
        <Icon name="mic" />
      </button>
      <span class="talk-caption" aria-hidden="true">
        {mic !== 'listening' ? strings.holdToTalk : locked ? strings.tapToSend : strings.releaseToSend}
      </span>
    </div>
  );
}
