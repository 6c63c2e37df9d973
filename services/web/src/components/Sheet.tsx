import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { strings } from '../strings.ts';
import { Icon } from './Icon.tsx';

interface Props {
  /** Name of the dialog, and of its button for those who do not see the button's content. */
  label: string;
  buttonClass: string;
  button: ComponentChildren;
  children: ComponentChildren;
}

/** A button and the modal sheet that it opens. Closes by Esc, beside it, and where something in it `data-closes` it. */
export function Sheet({ label, buttonClass, button, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const chosen = target instanceof HTMLInputElement && target.type === 'radio' && event.detail > 0; // not by arrow keys, which only pass
    if (chosen || target === dialog.current || target.closest('[data-closes]')) close();
  };
  return (
    <>
      <button type="button" class={buttonClass} aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        {button}
      </button>
      <dialog ref={dialog} class="sheet" aria-label={label} onClick={onClick}>
        <div class="sheet-top">
          <h2>{label}</h2>
          <button type="button" class="quiet" onClick={close}>
            <Icon name="close" />
            <span>{strings.close}</span>
          </button>
        </div>
        {children}
      </dialog>
    </>
  );
}
