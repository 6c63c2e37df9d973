import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Hint, currentStep } from '../reducer.ts';
import { hintText, strings } from '../strings.ts';
import { useNow } from './clock.ts';
import { Icon } from './Icon.tsx';

const SHOWN_AFTER_SECONDS = 3;

interface Props {
  step: ReturnType<typeof currentStep>;
  hint: Hint | null;
  onStop: () => void;
}

/** What goes on now, for how long, and the way to end it. Spoken by the status region, not by this. */
export function Steps({ step, hint, onStop }: Props) {
  if (!step) return <div class="steps">{hint && <p class="hint">{hintText(hint)}</p>}</div>;
  return (
    <div class="steps" data-step={step.name}>
      <span class={step.name === 'listening' ? 'pulse meter' : 'pulse'} aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
        <i />
      </span>
      <span class="step-name">{step.tool ? strings.tool.running(step.tool) : strings.step[step.name]}</span>
      <Elapsed key={step.name} since={step.since} />
      <StopButton listening={step.name === 'listening' || step.name === 'opening'} onStop={onStop} />
    </div>
  );
}

function Elapsed({ since }: { since: number }) {
  const seconds = Math.floor((useNow(true) - since) / 1000);
  return (
    <span class="elapsed" aria-hidden="true">
      {seconds >= SHOWN_AFTER_SECONDS ? strings.seconds(seconds) : ''}
    </span>
  );
}

/** Hands the focus back to the field when it goes away with it. */
function StopButton({ listening, onStop }: { listening: boolean; onStop: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const own = button.current;
    return () => {
      if (own && document.activeElement === own) document.querySelector<HTMLElement>('#message')?.focus();
    };
  }, []);
  return (
    <button type="button" class="stop" ref={button} onClick={onStop}>
      <Icon name={listening ? 'close' : 'stop'} />
      {listening ? strings.discard : strings.stop}
    </button>
  );
}
