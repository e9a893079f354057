// What a person may change about a dashboard: its time range, the comparison with the period before, and filters. All in the URL.

import {useState} from 'react';

import {range as rangeWords} from '../dates';
import {useTheBoard} from '../live/paint';
import type {Dashboard, Project} from '../live/contract';
import {keyText} from '../live/panel-data';
import {lastDays, parseSpan, rangeText} from '../range';
import {filtersOf, noFilters, setQuery, useRoute} from '../route';
import {columnLabel} from '../words';

const kRanges = [7, 30, 90, 365];
const kDay = 86_400_000;
const kOwn = 'own';

const dayText = (ms: number) => new Date(ms).toISOString().slice(0, 10);

export function RangeField() {
  const {query} = useRoute();
  const board = useTheBoard();
  const [own, setOwn] = useState(false);
  const text = query.get('range') ?? '';
  const days = lastDays(text);
  const span = parseSpan(text);
  const today = Math.floor(board.near() / kDay) * kDay;
  const [from, to] = span ? [dayText(span.from), dayText(span.to - 1)] : [dayText(today - ((days ?? 30) - 1) * kDay), dayText(today)];
  const choose = (value: string) => {
    setOwn(value === kOwn);
    if (value === kOwn) setQuery({range: `${from}..${to}`});
    else setQuery({range: value});
  };
  const set = (first: string, last: string) => {
    const given = parseSpan(`${first}..${last}`);
    if (given) setQuery({range: rangeText(given)});
  };
  const fields = (own || span !== null) && span !== null;
  return (
    <span className="field range">
      <select aria-label="Time range" value={span ? (own ? kOwn : text) : days !== null ? text : ''} onChange={(event) => choose(event.target.value)}>
        <option value="">Ranges as defined</option>
        {kRanges.map((one) => <option key={one} value={`${one}d`}>Last {one === 365 ? 'year' : `${one} days`}</option>)}
        {days !== null && !kRanges.includes(days) && <option value={text}>Last {days === 1 ? 'day' : `${days} days`}</option>}
        {span && !own && <option value={text}>{rangeWords(span.from, span.to, board.near())}</option>}
        <option value={kOwn}>Own dates…</option>
      </select>
      {fields && (
        <>
          <input type="date" aria-label="First day" value={from} max={to} onChange={(event) => set(event.target.value, to)} />
          <span className="secondary">to</span>
          <input type="date" aria-label="Last day" value={to} min={from} onChange={(event) => set(from, event.target.value)} />
        </>
      )}
    </span>
  );
}

export function CompareField() {
  const {query} = useRoute();
  const on = query.get('compare') === 'previous';
  return (
    <button type="button" className="toggle" aria-pressed={on} title="Beside each number the one of the period before, as long as this one (x)" onClick={() => setQuery({compare: on ? null : 'previous'})}>
      Compare
    </button>
  );
}

export function Chips({dashboard, project}: {dashboard: Dashboard; project: Project}) {
  const {query} = useRoute();
  const filters = filtersOf(query);
  if (filters.length === 0) return null;
  const used = new Set(dashboard.rows.flat().map((panel) => panel.metric));
  const metrics = project.metrics.filter((metric) => used.has(metric.name));
  const known = (dimension: string) => metrics.find((metric) => metric.dimensions.some((one) => one.name === dimension)) ?? null;
  return (
    <ul className="chips" aria-label="Filters">
      {filters.map(({dimension, value}) => {
        const text = `${columnLabel(known(dimension), dimension)}: ${keyText([value])}`;
        return (
          <li key={dimension} data-chip={dimension} data-value={value ?? undefined}>
            <button type="button" className="chip" aria-label={`Remove the filter ${text}`} onClick={() => setQuery({[`f.${dimension}`]: null})}>
              {text}<span aria-hidden="true" className="chip-close">×</span>
            </button>
            {known(dimension) === null && <span className="secondary"> nothing here has this dimension</span>}
          </li>
        );
      })}
      {filters.length > 1 && <li><button type="button" className="quiet" onClick={() => setQuery(noFilters(query))}>Clear all</button></li>}
    </ul>
  );
}
