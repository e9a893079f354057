// The panel beside the numbers: it explains without hiding what it explains. Escape closes it and gives the focus back.

import {useEffect, useRef, type ReactNode} from 'react';

export function Aside({title, onClose, children}: {title: string; onClose: () => void; children: ReactNode}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    heading.current?.focus({preventScroll: true});
    return () => {
      if (before?.isConnected) before.focus({preventScroll: true});
    };
  }, []);
  return (
    <aside className="aside" aria-labelledby="aside-title">
      <div className="aside-body">
        <div className="aside-head">
          <h2 id="aside-title" ref={heading} tabIndex={-1}>{title}</h2>
          <button type="button" className="quiet" aria-label="Close" onClick={onClose}>Close</button>
        </div>
        {children}
      </div>
    </aside>
  );
}
