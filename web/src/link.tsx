import type {MouseEvent, ReactNode} from 'react';

import {go} from './route';

// A link inside the page: no reload, but a real link for everything else (new tab, copy, no script).
export function Link({to, children, current, className}: {to: string; children: ReactNode; current?: boolean; className?: string}) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} className={className} aria-current={current ? 'page' : undefined} onClick={follow}>{children}</a>;
}
