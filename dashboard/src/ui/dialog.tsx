// A dialog of the browser's own: it keeps the focus inside, closes by Escape, and gives the focus back.
import { type ReactNode, useEffect, useRef } from 'react';

type DialogProps = { label: string; className?: string; onClose: () => void; children: ReactNode };

export function Dialog({ label, className, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes; Escape does the same by the browser
    <dialog
      ref={element}
      className={className}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
