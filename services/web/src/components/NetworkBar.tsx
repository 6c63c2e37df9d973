import type { Store } from '../conversation.ts';
import type { State } from '../reducer.ts';
import { strings } from '../strings.ts';
import { Icon } from './Icon.tsx';

/** Says that nothing can be sent now, and lets the person choose that it is sent later. */
export function NetworkBar({ state, send }: { state: State; send: Store['send'] }) {
  if (state.network === 'online') return null;
  return (
    <div class="network">
      <Icon name="offline" />
      <span>{strings[state.network]}</span>
      <label class="check">
        <input type="checkbox" checked={state.queueing} onChange={(event) => send({ type: 'queueing', on: event.currentTarget.checked })} />
        {strings.queueing}
      </label>
    </div>
  );
}
