import type {RefObject} from 'react';

import {setQuery, useRoute} from '../route';

// The one filter of a page; `/` goes to it.
export function FilterField({input, label}: {input: RefObject<HTMLInputElement | null>; label: string}) {
  const {query} = useRoute();
  const value = query.get('filter') ?? '';
  return (
    <span className="field filter">
      <input
        ref={input} id="filter" type="search" aria-label={label} placeholder="Filter  /" value={value} spellCheck={false} autoComplete="off"
        onChange={(event) => setQuery({filter: event.target.value})}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          setQuery({filter: null});
          event.currentTarget.blur();
        }}
      />
      {value && <button type="button" className="quiet" onClick={() => setQuery({filter: null})}>Clear</button>}
    </span>
  );
}
