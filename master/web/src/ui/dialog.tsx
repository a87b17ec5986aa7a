import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** A modal dialog of the browser: it keeps the focus, and Escape or a click beside it closes it. */
export function Dialog(props: {
  title: string;
  name: string;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog === null) return;
    dialog.showModal();
    // The browser would begin with the button that closes it.
    dialog.querySelector<HTMLElement>('input:not(:disabled), select, textarea')?.focus();
    // Browsers may close it without asking (a second Escape): the page must know.
    dialog.addEventListener('close', props.onClose);
    return () => {
      dialog.removeEventListener('close', props.onClose);
      dialog.close();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard has Escape; the click is on the backdrop.
    <dialog
      ref={element}
      data-dialog={props.name}
      aria-labelledby={`dialog-${props.name}`}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === element.current && props.onClose()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={`dialog-${props.name}`}>{props.title}</h2>
          <button type="button" class="quiet close" aria-label="Close" onClick={props.onClose}>
            ✕
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
