import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { strings } from '../strings.ts';
import { Icon } from './Icon.tsx';

/** The list of agents where the window is too narrow for a column of its own. Closes when one is tapped, or beside it. */
export function Sheet({ label, ready, children }: { label: string; ready: boolean | undefined; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  const onClick = (event: MouseEvent) => {
    const chosen = event.target instanceof HTMLInputElement && event.detail > 0; // not by arrow keys, which only pass
    if (chosen || event.target === dialog.current) close();
  };
  return (
    <>
      <button type="button" class="picker" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        <span class="dot" data-ready={ready === true} aria-hidden="true" />
        <span class="picker-name">{label}</span>
        <span class="hidden">{strings.chooseAgent}</span>
        <Icon name="down" />
      </button>
      <dialog ref={dialog} class="sheet" aria-label={strings.chooseAgent} onClick={onClick}>
        <button type="button" class="quiet sheet-close" onClick={close}>
          <Icon name="close" />
          <span>{strings.close}</span>
        </button>
        {children}
      </dialog>
    </>
  );
}
